import EmbeddedModel
import MLLMSeg
import Segmentation

/// Too many words for the model's context: the client's fault, and told to it.
extension ModelError: UnanswerableRequest {}

/// Loads a checkpoint folder for the commands.
enum ModelLoading {
    static func load(
        _ directory: String?, options: ModelOptions = ModelOptions()
    ) throws(CommandFailure) -> any SegmentationBackend {
        let folder = try folder(directory)
        do {
            return try MLLMSegModel(
                directory: folder, name: directory == nil ? "mllmseg-embedded" : nil, options: options)
        } catch {
            throw CommandFailure("can't load the model: \(error)")
        }
    }

    /// The folder that a user named, or the embedded one.
    static func folder(_ directory: String?) throws(CommandFailure) -> String {
        let folder = directory ?? EmbeddedModel.directory
        guard FileContents.isFolder(folder) else {
            throw CommandFailure("can't load the model: \(folder) is not a folder")
        }
        return folder
    }
}
