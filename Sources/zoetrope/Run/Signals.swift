import Dispatch
import Glibc

/// Calls `body` when one of `numbers` arrives, the first time; the second time the signal does what it always does.
func onSignals(_ numbers: [Int32], _ body: @escaping @Sendable () -> Void) {
    for number in numbers {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            signal(number, SIG_DFL)
            body()
        }
        source.resume()
        // Lives as long as the process.
        _ = Unmanaged.passRetained(source as AnyObject)
    }
}
