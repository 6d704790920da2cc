/// Every operation in the fewest lines that are right: the oracle of the tests, in f64, and the implementation of last
/// resort, which a caller reaches by name only. Layouts are those of the fast operations.
public enum PlainReference {
    /// The number type of a reference; sums are taken in it.
    public typealias Number = BinaryFloatingPoint

    /// `y[N][T][H][W][K]` of `x[N][T][H][W][C]` and `w[K][C / groups][t][h][w]`, for the pixels `range` of all N.
    public static func convolution<F: Number>(
        _ s: ConvolutionShape, pixels range: Range<Int>, x: UnsafePointer<F>, w: UnsafePointer<F>,
        y: UnsafeMutablePointer<F>
    ) {
        for pixel in range {
            let (n, t, h, v) = coordinates(pixel, s.output)
            for k in 0..<s.K {
                var sum: F = 0
                eachTap(s) { tap, dt, dh, dw in
                    let (it, ih, iw) = (
                        t * s.stride.t + dt - s.padding.t, h * s.stride.h + dh - s.padding.h,
                        v * s.stride.w + dw - s.padding.w
                    )
                    guard inside(it, ih, iw, s.input) else { return }
                    let row = x + (((n * s.input.t + it) * s.input.h + ih) * s.input.w + iw) * s.C + firstChannel(s, k)
                    let depth = s.C / s.groups
                    for c in 0..<depth { sum += row[c] * w[(k * depth + c) * s.kernel.count + tap] }
                }
                y[pixel * s.K + k] = sum
            }
        }
    }

    /// `dx` of `dy` and `w`, for the input pixels `range` of all N; added to what `dx` holds when `accumulate`.
    public static func convolutionBackwardData<F: Number>(
        _ s: ConvolutionShape, pixels range: Range<Int>, dy: UnsafePointer<F>, w: UnsafePointer<F>,
        dx: UnsafeMutablePointer<F>, accumulate: Bool
    ) {
        for pixel in range {
            let (n, t, h, v) = coordinates(pixel, s.input)
            for c in 0..<s.C {
                var sum: F = 0
                eachTap(s) { tap, dt, dh, dw in
                    let (at, ah, aw) = (t + s.padding.t - dt, h + s.padding.h - dh, v + s.padding.w - dw)
                    guard at >= 0, ah >= 0, aw >= 0, at % s.stride.t == 0, ah % s.stride.h == 0,
                        aw % s.stride.w == 0
                    else { return }
                    let (ot, oh, ow) = (at / s.stride.t, ah / s.stride.h, aw / s.stride.w)
                    guard inside(ot, oh, ow, s.output) else { return }
                    let row = dy + (((n * s.output.t + ot) * s.output.h + oh) * s.output.w + ow) * s.K
                    let (depth, width) = (s.C / s.groups, s.K / s.groups)
                    for k in c / depth * width..<(c / depth + 1) * width {
                        sum += row[k] * w[(k * depth + c % depth) * s.kernel.count + tap]
                    }
                }
                let place = pixel * s.C + c
                dx[place] = accumulate ? dx[place] + sum : sum
            }
        }
    }

    /// `dw[K][C / groups][t][h][w]` of `x` and `dy` over N clips, for the output channels `range`.
    public static func convolutionBackwardWeights<F: Number>(
        _ s: ConvolutionShape, N: Int, channels range: Range<Int>, x: UnsafePointer<F>, dy: UnsafePointer<F>,
        dw: UnsafeMutablePointer<F>
    ) {
        let depth = s.C / s.groups
        let values = depth * s.kernel.count
        for place in range.lowerBound * values..<range.upperBound * values { dw[place] = 0 }
        for pixel in 0..<N * s.output.count {
            let (n, t, h, v) = coordinates(pixel, s.output)
            eachTap(s) { tap, dt, dh, dw0 in
                let (it, ih, iw) = (
                    t * s.stride.t + dt - s.padding.t, h * s.stride.h + dh - s.padding.h,
                    v * s.stride.w + dw0 - s.padding.w
                )
                guard inside(it, ih, iw, s.input) else { return }
                let row = x + (((n * s.input.t + it) * s.input.h + ih) * s.input.w + iw) * s.C
                for k in range {
                    let group = row + firstChannel(s, k)
                    for c in 0..<depth { dw[(k * depth + c) * s.kernel.count + tap] += group[c] * dy[pixel * s.K + k] }
                }
            }
        }
    }

    /// The first of the input channels that output channel `k` sees.
    private static func firstChannel(_ s: ConvolutionShape, _ k: Int) -> Int { k / (s.K / s.groups) * (s.C / s.groups) }

    private static func coordinates(_ pixel: Int, _ e: Extent3) -> (n: Int, t: Int, h: Int, w: Int) {
        (pixel / e.count, pixel / (e.h * e.w) % e.t, pixel / e.w % e.h, pixel % e.w)
    }

    private static func inside(_ t: Int, _ h: Int, _ w: Int, _ e: Extent3) -> Bool {
        t >= 0 && h >= 0 && w >= 0 && t < e.t && h < e.h && w < e.w
    }

    private static func eachTap(_ s: ConvolutionShape, _ body: (_ tap: Int, _ t: Int, _ h: Int, _ w: Int) -> Void) {
        for t in 0..<s.kernel.t {
            for h in 0..<s.kernel.h {
                for w in 0..<s.kernel.w { body((t * s.kernel.h + h) * s.kernel.w + w, t, h, w) }
            }
        }
    }
}
