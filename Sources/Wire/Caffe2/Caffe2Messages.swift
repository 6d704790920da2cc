/// Caffe2's `TensorProto`: a tensor, or a chunk of one. One of the lists holds the elements; the type says which.
public struct Caffe2Tensor: Sendable, Equatable {
    /// Caffe2's numbers of element types.
    public enum DataType: Int32, Sendable {
        case float = 1
        case int32 = 2
        case byte = 3
        case string = 4
        case bool = 5
        case uint8 = 6
        case int8 = 7
        case uint16 = 8
        case int16 = 9
        case int64 = 10
        case float16 = 12
        case double = 13
    }

    /// Of the whole tensor, in a chunk too.
    public var dims: [Int64]
    /// A `DataType`, or a number that is none of them.
    public var dataType: Int32
    public var floats: [Float]
    /// Elements of `int32`, and of the types of fewer bits; of `float16` the bits.
    public var integers: [Int32]
    public var longs: [Int64]
    public var doubles: [Double]
    /// Elements of one byte or of `float16`, little-endian, when they are not in `integers`.
    public var bytes: [UInt8]
    /// Elements of any type, little-endian.
    public var rawBytes: [UInt8]
    public var strings: [[UInt8]]
    /// Which elements of the whole a chunk holds.
    public var segment: (begin: Int64, end: Int64)? {
        get { segmentBegin.flatMap { begin in segmentEnd.map { (begin, $0) } } }
        set { (segmentBegin, segmentEnd) = (newValue?.begin, newValue?.end) }
    }
    /// 0 as described here; 1 bfloat16.
    public var dataFormat: UInt32
    /// The blob's once more.
    public var name: String?
    /// Where Caffe2 had the tensor: 0 the processor, 1 CUDA.
    public var device: Int32?
    private var segmentBegin: Int64?
    private var segmentEnd: Int64?

    public init(
        dims: [Int64], dataType: Int32, floats: [Float] = [], integers: [Int32] = [], longs: [Int64] = [],
        doubles: [Double] = [], bytes: [UInt8] = [], rawBytes: [UInt8] = [], strings: [[UInt8]] = [],
        segment: (begin: Int64, end: Int64)? = nil, dataFormat: UInt32 = 0, name: String? = nil, device: Int32? = nil
    ) {
        self.dims = dims
        self.dataType = dataType
        self.floats = floats
        self.integers = integers
        self.longs = longs
        self.doubles = doubles
        self.bytes = bytes
        self.rawBytes = rawBytes
        self.strings = strings
        self.dataFormat = dataFormat
        self.name = name
        self.device = device
        self.segment = segment
    }
}

/// Caffe2's `BlobProto`: a record of a checkpoint.
public struct Caffe2Blob: Sendable, Equatable {
    public var name: String
    /// `Tensor`, or the name of the C++ type whose bytes `content` holds (`std::string`).
    public var type: String
    public var tensor: Caffe2Tensor?
    public var content: [UInt8]

    public init(name: String, type: String, tensor: Caffe2Tensor? = nil, content: [UInt8] = []) {
        self.name = name
        self.type = type
        self.tensor = tensor
        self.content = content
    }
}
