import ArgumentParser
import Faults
import Kernels

/// `--convolution`, as `numerics.convolution` of a recipe.
struct ConvolutionOption: ParsableArguments {
    static let names = ["auto", "direct", "winograd"]

    @Option(help: "Which convolutions: auto, direct, or winograd wherever it is possible.")
    var convolution = "auto"

    /// - Throws: a usage `Fault` that names the nearest right one.
    func value() throws(Fault) -> Convolution.Choice {
        guard Self.names.contains(convolution) else {
            throw Fault(
                .usage, "--convolution", "'\(convolution)' is none", mend: advice(for: convolution, among: Self.names))
        }
        return convolution == "auto" ? .auto : .preferring(convolution)
    }
}
