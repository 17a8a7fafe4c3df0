import Foundation

/// The checkpoint that ships inside the package: same architecture and files as the official ones, small.
public enum EmbeddedModel {
    /// Folder with config.json, model.safetensors and the tokenizer's files.
    public static var directory: String { Bundle.module.bundlePath + "/Model" }
}
