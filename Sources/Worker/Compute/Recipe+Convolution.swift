package import Kernels
package import Training

extension Recipe.Numerics {
    /// The convolutions that `numerics.convolution` asks for.
    package var convolutionChoice: Convolution.Choice { convolution == "auto" ? .auto : .preferring(convolution) }
}
