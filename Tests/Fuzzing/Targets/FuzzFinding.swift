/// What a fuzz target holds against its subject. A trap is a finding without words.
struct FuzzFinding: Error {
    let what: String
}

func require(_ condition: Bool, _ what: String) throws(FuzzFinding) {
    guard condition else { throw FuzzFinding(what: what) }
}
