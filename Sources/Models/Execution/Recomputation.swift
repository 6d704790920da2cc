/// Which activations a training pass computes a second time, just before backward reads them, rather than keeps. The bits
/// are the same.
public enum Recomputation: Sendable {
    /// None: everything that backward reads is kept.
    case none
    /// Those inside residual blocks and between them, where keeping them would raise the pass's peak of memory by more
    /// than a little.
    case whereItSaves
    /// The same whatever it saves: a trial of the arithmetic.
    case everywhere
}
