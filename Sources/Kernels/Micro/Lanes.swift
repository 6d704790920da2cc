// One vector register of f32, and what the loops do with it. docs/numerics.md says why this folder keeps to pointers,
// counts and always-inlined functions: nothing else stays within the instruction set that it was compiled for.

#if MICRO_AVX512
    typealias Lanes = SIMD16<Float>
#elseif MICRO_AVX2
    typealias Lanes = SIMD8<Float>
#else
    typealias Lanes = SIMD4<Float>
#endif

/// Floats in one vector.
@inline(__always) var lanes: Int { Lanes.scalarCount }

/// Floats in a cache line.
@inline(__always) var cacheLine: Int { 16 }

/// Rows of a matrix tile. A tile of three vectors takes 3 x 8 of 32 registers with AVX-512, 3 x 4 of 16 elsewhere, and
/// leaves room for the three vectors of the other factor and one broadcast.
@inline(__always) var tileRows: Int {
    #if MICRO_AVX512
        8
    #else
        4
    #endif
}

/// A number for each row of a matrix tile.
#if MICRO_AVX512
    typealias RowNumbers = SIMD8<Int>
#else
    typealias RowNumbers = SIMD4<Int>
#endif

/// Floats in one vector, for the operations that lay out memory.
public func vectorLanes() -> Int { lanes }

/// Rows of a matrix tile, for the operations that lay out memory.
public func matrixRows() -> Int { tileRows }

extension UnsafePointer<Float> {
    @inline(__always)
    func vector(_ offset: Int = 0) -> Lanes { UnsafeRawPointer(self + offset).loadUnaligned(as: Lanes.self) }
}

extension UnsafeMutablePointer<Float> {
    @inline(__always)
    func vector(_ offset: Int = 0) -> Lanes { UnsafeRawPointer(self + offset).loadUnaligned(as: Lanes.self) }

    @inline(__always)
    func set(_ offset: Int, _ value: Lanes) {
        UnsafeMutableRawPointer(self + offset).storeBytes(of: value, as: Lanes.self)
    }
}
