import Dispatch
import HTTP1
import Images
import Logging
import Observability
import SegmentationAPI
import Serving

/// A service with the colour model, asked without sockets.
struct ServiceFixture {
    let service: SegmentationService
    let engine: Engine
    let registry: MetricsRegistry

    /// `gate`: each batch waits for a signal. `load`: false leaves the engine loading.
    init(
        gate: DispatchSemaphore? = nil, capacity: Int = 8, load: Bool = true,
        access: AccessControl = AccessControl(), change: (inout ServiceConfiguration) -> Void = { _ in }
    ) async {
        var configuration = EngineConfiguration()
        configuration.warmUp = false
        configuration.queueCapacity = capacity
        registry = MetricsRegistry()
        engine = Engine(configuration: configuration, metrics: ServingMetrics(registry))
        var serviceConfiguration = ServiceConfiguration()
        change(&serviceConfiguration)
        service = SegmentationService(
            engine: engine, registry: registry, configuration: serviceConfiguration,
            access: access, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        guard load else { return }
        engine.start(loading: { ColourBackend(gate: gate) })
        _ = await engine.waitUntilLoaded()
    }

    func send(
        _ method: String, _ path: String, query: [(String, String)] = [], headers: HTTPHeaders = [:],
        body: [UInt8] = []
    ) async -> Answer {
        let head = HTTPRequestHead(
            method: method, target: path, path: path,
            query: query.map { HTTPQueryItem(name: $0.0, value: $0.1) }, headers: headers)
        let response = await service.respond(to: HTTPRequest(head: head, body: body))
        return await Answer(response)
    }

    /// `fields`: name and value; the picture is the 5 x 3 one unless another is given.
    func form(
        _ fields: [(String, String)], picture: [UInt8]? = ServiceFixture.picture, accept: String? = nil
    ) async -> Answer {
        var headers: HTTPHeaders = ["Content-Type": "multipart/form-data; boundary=XX"]
        if let accept { headers["Accept"] = accept }
        var body: [UInt8] = []
        if let picture {
            body += Array(
                "--XX\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n".utf8)
            body += picture + Array("\r\n".utf8)
        }
        for (name, value) in fields {
            body += Array("--XX\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        body += Array("--XX--\r\n".utf8)
        return await send("POST", "/segment", headers: headers, body: body)
    }

    func json(_ value: JSONValue) async -> Answer {
        await send(
            "POST", "/segment", headers: ["Content-Type": "application/json"], body: value.encoded())
    }

    /// 5 x 3 pixels: row 1 is blue, red, red, red, blue; row 2 has one red in the middle; the rest is blue.
    /// "red" is the mask of the golden run-length vectors.
    static let picture: [UInt8] = {
        let red = ["00000", "01110", "00100"]
        let pixels = red.joined().flatMap { $0 == "1" ? [UInt8(200), 10, 10] : [10, 10, 200] }
        return (try? PNGEncoder.encode(RGBImage(width: 5, height: 3, pixels: pixels))) ?? []
    }()
}

/// A response with its body gathered.
struct Answer {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8] = []

    init(_ response: HTTPResponse) async {
        status = response.status
        headers = response.headers
        switch response.body {
        case .empty: break
        case .bytes(let bytes): body = bytes
        case .stream(let pieces): for await piece in pieces { body += piece }
        }
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// `.null` when the body isn't JSON.
    var json: JSONValue { (try? JSONParser.parse(body)) ?? .null }

    /// The last part of the problem's type.
    var problem: String { json["type"]?.string?.split(separator: ":").last.map(String.init) ?? "" }
}
