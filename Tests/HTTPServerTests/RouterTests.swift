import HTTPServer
import Testing

@Suite struct RouterTests {
    private func router() -> Router<Int> {
        var router = Router<Int>()
        router.add("POST", "/segment", name: "segment", 1)
        router.add("GET", "/", name: "root", 2)
        router.add("GET", "/v2/models/{model}", name: "model", 3)
        router.add("GET", "/v2/models/{model}/versions/{version}/ready", name: "ready", 4)
        router.add("POST", "/v2/models/{model}/infer", name: "infer", 5)
        router.add("GET", "/v2/models/special", name: "special", 6)
        return router
    }

    private func describe(_ match: Router<Int>.Match) -> String {
        switch match {
        case .found(let route, let name, let parameters):
            "\(route) \(name) "
                + parameters.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ",")
        case .methodNotAllowed(let name, let allow): "405 \(name) " + allow.joined(separator: ",")
        case .methodUnknown: "501"
        case .notFound: "404"
        }
    }

    @Test(arguments: [
        ("POST", "/segment", "1 segment "), ("POST", "/segment/", "1 segment "),
        ("GET", "/segment", "405 segment POST,OPTIONS"), ("HEAD", "/", "2 root "), ("GET", "/", "2 root "),
        ("DELETE", "/", "405 root GET,HEAD,OPTIONS"), ("BREW", "/", "501"), ("get", "/", "501"),
        ("GET", "/v2/models/m", "3 model model=m"), ("GET", "/v2/models/m/", "3 model model=m"),
        ("GET", "/v2/models/special", "6 special "), ("GET", "/v2/models//", "404"),
        ("GET", "/v2/models/m/versions/1/ready", "4 ready model=m,version=1"),
        ("POST", "/v2/models/m/infer", "5 infer model=m"), ("GET", "/v2/models/m/x/y", "404"),
        ("GET", "/nowhere", "404"), ("GET", "", "404"), ("GET", "*", "404"), ("GET", "//segment", "404"),
        ("POST", "/segment//", "404"),
    ])
    func match(_ method: String, _ path: String, _ expected: String) {
        #expect(describe(router().match(method: method, path: path)) == expected)
    }
}
