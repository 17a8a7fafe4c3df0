/// A backend's error that is the request's fault and not the model's: too many words for the model's
/// context, for example. `description` is shown to the client.
public protocol UnanswerableRequest: Error, CustomStringConvertible {}
