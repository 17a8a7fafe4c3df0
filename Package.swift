// swift-tools-version: 6.1
import PackageDescription

// Layers point downwards only; see docs in README.md ("How it is built").
let package = Package(
    name: "mllmseg",
    products: [
        .executable(name: "mllmseg", targets: ["mllmseg"]),
        .executable(name: "Benchmarks", targets: ["Benchmarks"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // L0: C kernels and system libraries
        .target(name: "CKernels", cSettings: [.define("NDEBUG", .when(configuration: .release))]),
        .target(name: "CImageKernels", cSettings: [.define("NDEBUG", .when(configuration: .release))]),
        .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl")]),
        .systemLibrary(
            name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .target(name: "CPNG", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("z")]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSockets"),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),

        .target(name: "Threads"),

        // L1
        .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS", "Threads"]),
        .target(name: "Images", dependencies: ["CImageKernels", "CTurboJPEG", "CPNG", "CWebP"]),
        .target(name: "HTTP1"),
        .target(name: "Observability", dependencies: [.product(name: "Logging", package: "swift-log")]),

        // L2
        .target(name: "NeuralNetwork", dependencies: ["Tensors", "CKernels"]),
        .target(name: "Checkpoints", dependencies: ["Tensors"]),
        .target(name: "CheckpointHub", dependencies: ["HTTP1", "Observability", "COpenSSL"]),
        .target(name: "Tokenizers"),
        .target(name: "Segmentation", dependencies: ["Images", "COpenSSL"]),
        .target(
            name: "HTTPServer",
            dependencies: ["HTTP1", "CSockets", "COpenSSL", .product(name: "Logging", package: "swift-log")]),

        // L3
        .target(
            name: "MLLMSeg",
            dependencies: [
                "Tensors", "Images", "NeuralNetwork", "Checkpoints", "Tokenizers", "Segmentation",
                .product(name: "Collections", package: "swift-collections"),
            ]),
        .target(
            name: "Serving",
            dependencies: [
                "Segmentation", "Observability", "Threads",
                .product(name: "Collections", package: "swift-collections"),
            ]),

        // L4
        .target(
            name: "SegmentationAPI",
            dependencies: [
                "Serving", "Segmentation", "Images", "HTTP1", "HTTPServer", "Observability", "COpenSSL",
                "CZlib", .product(name: "Logging", package: "swift-log"),
            ], resources: [.embedInCode("openapi.json")]),

        // L5
        .target(name: "EmbeddedModel", resources: [.copy("Model")]),
        .executableTarget(
            name: "mllmseg",
            dependencies: [
                "MLLMSeg", "Serving", "SegmentationAPI", "HTTPServer", "EmbeddedModel", "Observability",
                "Segmentation", "Images", "CheckpointHub",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),

        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "MLLMSeg", "EmbeddedModel", "Segmentation", "Images", "Tensors", "CKernels",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], exclude: ["LOG.md"]),

        // Servers for outside conformance suites and load generators
        .target(
            name: "CTestCertificates", dependencies: ["COpenSSL"], path: "Tests/Support/CTestCertificates"),
        .target(
            name: "TestServing",
            dependencies: ["HTTPServer", .product(name: "Logging", package: "swift-log")],
            path: "Tests/Support/TestServing"),
        .executableTarget(
            name: "EchoServer", dependencies: ["TestServing", "HTTPServer", "HTTP1"],
            path: "Tests/Support/EchoServer"),
        .executableTarget(
            name: "MultipartLister", dependencies: ["TestServing", "HTTPServer", "HTTP1"],
            path: "Tests/Support/MultipartLister"),
        .executableTarget(
            name: "PacedServer",
            dependencies: [
                "TestServing", "SegmentationAPI", "Serving", "Segmentation", "Images", "HTTP1",
                "Observability", .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/Support/PacedServer"),

        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "NeuralNetwork", "CKernels"]),
        .testTarget(
            name: "ImagesTests", dependencies: ["Images", "CZlib"],
            exclude: ["make_fixtures.py", "compare_with_pillow.py"], resources: [.copy("Fixtures")]),
        .testTarget(name: "CheckpointHubTests", dependencies: ["CheckpointHub", "COpenSSL"]),
        .testTarget(name: "HTTP1Tests", dependencies: ["HTTP1"]),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "HTTPServer", "HTTP1", "CTestCertificates", .product(name: "Logging", package: "swift-log"),
            ], resources: [.copy("Fixtures")]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints"]),
        .testTarget(
            name: "TokenizersTests", dependencies: ["Tokenizers"], exclude: ["compare_with_reference.py"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "SegmentationTests", dependencies: ["Segmentation", "Images"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "MLLMSegTests",
            dependencies: [
                "MLLMSeg", "Checkpoints", "Tokenizers", "Images", "Segmentation", "EmbeddedModel",
            ], resources: [.copy("Golden"), .copy("Embedded")]),
        .testTarget(name: "ObservabilityTests", dependencies: ["Observability"]),
        .testTarget(
            name: "ServingTests", dependencies: ["Serving", "Segmentation", "Images", "Observability"]),
        .testTarget(
            name: "SegmentationAPITests",
            dependencies: [
                "SegmentationAPI", "Serving", "Segmentation", "HTTP1", "HTTPServer", "Images",
                "Observability", .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "FuzzingTests",
            dependencies: [
                "HTTP1", "Images", "Checkpoints", "Tokenizers", "SegmentationAPI", "CZlib",
            ], path: "Tests/Fuzzing", exclude: ["run"], resources: [.copy("Corpus")]),
        .testTarget(name: "CommandLineTests", dependencies: ["mllmseg", "Images", "HTTP1"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
