/// Where a tensor sits in a residual video network, whatever its origin calls it: what two naming schemes have in common.
///
/// Two tensors of the same place do the same in their networks only if the networks are the same; shapes tell most of that.
package struct TensorPlace: Hashable, Sendable {
    /// Stages are numbered as the papers do: the stem is 1, the residual stages are 2 to 5.
    package enum Site: Hashable, Sendable {
        case stem
        /// The convolution that hands the fast pathway's maps to the slow one, behind a stage.
        case lateral(stage: Int)
        case block(stage: Int, index: Int)
        /// A non-local block behind residual block `index`.
        case nonlocal(stage: Int, index: Int)
        case head
    }

    /// A layer of a site. `first` is the earlier half of a convolution that is split in two, with a batch norm between.
    package enum Layer: String, Hashable, Sendable {
        case main, mainFirst
        case shortcut
        case a, aFirst, b, bFirst, c
        /// Squeeze-and-excitation: fewer channels, then as many as before.
        case squeeze, excite
        case theta, phi, g, out
        /// X3D's head: two 1x1x1 convolutions before the classes.
        case widen, widenMore
        case classes
    }

    /// What the tensor is to its layer; scale to variance belong to the batch norm behind it.
    package enum Value: String, Hashable, Sendable, CaseIterable {
        case weight, bias
        case scale, shift, mean, variance
    }

    package var site: Site
    /// 0: the only one, or the slow one; 1: the fast one.
    package var pathway: Int
    package var layer: Layer
    package var value: Value

    package init(_ site: Site, pathway: Int = 0, _ layer: Layer, _ value: Value) {
        self.site = site
        self.pathway = pathway
        self.layer = layer
        self.value = value
    }
}

/// Reads a name from left to right; every method takes what it finds and leaves the rest.
struct NameScanner {
    private(set) var rest: Substring

    init(_ name: some StringProtocol) { rest = Substring(name) }

    var isAtEnd: Bool { rest.isEmpty }

    /// Takes `text` if it comes next.
    mutating func take(_ text: String) -> Bool {
        guard rest.hasPrefix(text) else { return false }
        rest = rest.dropFirst(text.count)
        return true
    }

    /// Takes a number of at most four digits.
    mutating func number() -> Int? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard (1...4).contains(digits.count), let number = Int(digits) else { return nil }
        rest = rest.dropFirst(digits.count)
        return number
    }

    /// Takes one of `texts`, which must be all that is left.
    func ends<Meaning>(_ texts: KeyValuePairs<String, Meaning>) -> Meaning? {
        texts.first { $0.key == rest }?.value
    }
}
