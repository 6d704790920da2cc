import Glibc
import Kernels
import Testing

@Suite struct SoftmaxCrossEntropyTests {
    @Test func exponentialAndLogarithmAgreeWithTheLibrary() {
        for i in 0..<2000 {
            let x = -Double(i) * 0.35
            let truth = exp(x)
            #expect(abs(exponential(x) - truth) <= 4e-16 * truth, "exp(\(x))")
            let y = 0.001 + Double(i * i) * 0.37
            #expect(abs(naturalLogarithm(y) - log(y)) <= 4e-16 * max(abs(log(y)), 0.5), "log(\(y))")
        }
        #expect(exponential(0) == 1)
        #expect(naturalLogarithm(1) == 0)
    }
}
