import Dispatch
import Glibc
import HTTPServer
import Logging
import SegmentationAPI

/// SIGHUP: the certificate, its key and the API keys are read again, without dropping a connection. What
/// can't be used is said in the log, and the old stays.
struct FileReload {
    private let source: any DispatchSourceSignal

    init(_ server: HTTPServer, _ keys: APIKeyFile?, _ access: AccessControl, _ logger: Logger) {
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler {
            do throws(HTTPServerError) {
                if try server.reloadCertificate() { logger.info("certificate reloaded") }
            } catch {
                logger.error("the old certificate stays", metadata: ["reason": "\(error)"])
            }
            do throws(CommandFailure) {
                if let keys { access.replace(try keys.read(logger)) }
            } catch {
                logger.error("the old API keys stay", metadata: ["reason": "\(error.message)"])
            }
        }
        source.resume()
    }

    func stop() { source.cancel() }
}
