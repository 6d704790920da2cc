/// Something that only one thread touches, held by others.
public final class Confined<Value>: @unchecked Sendable {  // each holder hands it to its one thread, hands off itself
    public let value: Value

    public init(_ value: Value) { self.value = value }
}
