import Dispatch
import Glibc
import HTTPServer
import Logging

/// SIGHUP: the certificate and its key are read again, without dropping a connection.
struct CertificateReload {
    private let source: any DispatchSourceSignal

    init(_ server: HTTPServer, _ logger: Logger) {
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler {
            do throws(HTTPServerError) {
                try server.reloadCertificate()
                logger.info("certificate reloaded")
            } catch {
                logger.error("the old certificate stays", metadata: ["reason": "\(error)"])
            }
        }
        source.resume()
    }

    func stop() { source.cancel() }
}
