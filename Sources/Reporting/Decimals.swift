/// A number with `count` digits behind the point, 0 to 9, rounded to the nearest; what has no such form (infinite, no number,
/// beyond 10^15 units) is written as Swift writes it.
public func decimals(_ value: Double, _ count: Int) -> String {
    precondition((0...9).contains(count), "\(count) digits")
    let power = (0..<count).reduce(1) { product, _ in 10 * product }
    let units = (value * Double(power)).rounded()
    // A loss may be none, and what another process says may be anything.
    guard abs(units) < 1e15 else { return "\(value)" }
    let (whole, rest) = Int(abs(units)).quotientAndRemainder(dividingBy: power)
    let sign = units < 0 ? "-" : ""
    guard count > 0 else { return "\(sign)\(whole)" }
    let digits = String(rest)
    return "\(sign)\(whole)." + String(repeating: "0", count: count - digits.count) + digits
}

/// `12.3`.
public func tenths(_ value: Double) -> String { decimals(value, 1) }
