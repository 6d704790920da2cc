// swift-tools-version: 6.2
import PackageDescription

// One block for every target: warnings are errors, and the features that Swift is about to switch on.
let common: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// The micro-kernels are one source compiled several times; Sources/Kernels/MicroAVX2 and MicroAVX512 are links to
// Sources/Kernels/Micro, MicroAVX512BF16 holds links to the files it takes of it. The flags win over -Onone, so that
// debug builds run at the same speed. docs/numerics.md says which habits keep the code of one instruction set out of the
// others.
func micro(_ processor: String?, _ define: String..., also features: [String] = []) -> [SwiftSetting] {
    common + define.map { .define($0) } + [
        .unsafeFlags(
            ["-Ounchecked", "-wmo", "-num-threads", "2", "-disable-batch-mode"]
                + (processor.map { ["-Xcc", "-march=\($0)", "-Xcc", "-mprefer-vector-width=512"] } ?? [])
                + features.flatMap { ["-Xcc", $0] })
    ]
}

func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, exclude: [String] = [],
    linked: [String] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: path ?? "Sources/\(name)", exclude: exclude,
        swiftSettings: common, linkerSettings: linked.map { .linkedLibrary($0) })
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
        swiftSettings: common)
}

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")

let nio: [Target.Dependency] = ["NIOConcurrencyHelpers", "NIOCore", "NIOHTTP1", "NIOPosix"].map {
    .product(name: $0, package: "swift-nio")
}

let package = Package(
    name: "zoetrope",
    products: [.executable(name: "zoetrope", targets: ["zoetrope"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    ],
    targets: [
        // C, each behind one Swift owner.
        .systemLibrary(name: "CZeroMQ", path: "Sources/System/CZeroMQ"),
        .systemLibrary(name: "CLMDB", path: "Sources/System/CLMDB"),
        .systemLibrary(name: "CFFmpeg", path: "Sources/System/CFFmpeg"),
        .systemLibrary(name: "CCrypto", path: "Sources/System/CCrypto"),
        .systemLibrary(name: "CZlib", path: "Sources/System/CZlib"),
        .systemLibrary(name: "CCurl", path: "Sources/System/CCurl"),
        .systemLibrary(name: "CArchive", path: "Sources/System/CArchive"),
        .target(
            name: "CWire", path: "Sources/System/CWire", linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(name: "CIntrinsics", path: "Sources/System/CIntrinsics", linkerSettings: [.linkedLibrary("dl")]),

        // What every room may use.
        module("Faults"),
        module("Randomness"),
        module("Threads", ["Faults"]),
        module("Configuration", ["Faults", toml]),

        // Numbers.
        .target(
            name: "MicroKernels", dependencies: ["CIntrinsics"], path: "Sources/Kernels/Micro",
            swiftSettings: micro(nil, "MICRO_BASELINE"), linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "MicroKernelsAVX2", dependencies: ["CIntrinsics"], path: "Sources/Kernels/MicroAVX2",
            swiftSettings: micro("x86-64-v3", "MICRO_AVX2")),
        .target(
            name: "MicroKernelsAVX512", dependencies: ["CIntrinsics"], path: "Sources/Kernels/MicroAVX512",
            swiftSettings: micro("x86-64-v4", "MICRO_AVX512")),
        .target(
            name: "MicroKernelsAVX512BF16", dependencies: ["CIntrinsics"], path: "Sources/Kernels/MicroAVX512BF16",
            swiftSettings: micro("x86-64-v4", "MICRO_AVX512", also: ["-mavx512bf16"])),
        .target(
            name: "MicroKernelsAVX512BF16Emulated", dependencies: ["CIntrinsics"],
            path: "Sources/Kernels/MicroAVX512BF16Emulated",
            swiftSettings: micro("x86-64-v4", "MICRO_AVX512", "MICRO_BF16_EMULATED")),
        module(
            "Kernels",
            [
                "Faults", "CIntrinsics", "MicroKernels", "MicroKernelsAVX2", "MicroKernelsAVX512",
                "MicroKernelsAVX512BF16", "MicroKernelsAVX512BF16Emulated",
            ],
            path: "Sources/Kernels/Operations"),
        module("Models", ["Faults", "Kernels", "Randomness"]),

        // Files and video.
        module("Storage", ["Faults", "CLMDB", "CCrypto"]),
        module("Checkpoints", ["CZlib", "Faults", "Storage", "Wire"]),
        module("Video", ["Faults", "CFFmpeg"]),
        module("Clips", ["Faults", "Configuration", "Randomness", "Storage", "Threads", "Video"]),
        module("Acquisition", ["CArchive", "CCurl", "CZlib", "Faults", "Storage", "Threads", "Video"]),
        module(
            "Curation",
            ["Clips", "Faults", "Protocol", "Randomness", "Reporting", "Storage", "Threads", "Video", "Wire"]),

        // The cluster.
        module("Training", ["Faults", "Configuration", "Randomness", "Wire"]),
        module(
            "Wire", ["Faults", "CWire"],
            exclude: [
                "Caffe2/caffe2.proto", "Cluster/cluster.proto", "ONNX/onnx.proto", "TensorBoard/tensorboard.proto",
            ]),
        module("Protocol", ["Faults", "Configuration", "Threads", "Wire", "CZeroMQ"]),
        module(
            "Coordinator",
            ["Faults", "Checkpoints", "Protocol", "Randomness", "Reporting", "Storage", "Threads", "Training", "Wire"]),
        module(
            "Worker",
            [
                "CIntrinsics", "Clips", "Faults", "Kernels", "Models", "Protocol", "Randomness", "Reporting",
                "Threads", "Training", "Wire",
            ]),

        module("Launch", ["Configuration", "Faults", "Protocol", "Reporting", "Threads"]),

        // Other programs' configurations.
        module("Compatibility", ["Configuration", "Faults", "Models", yaml]),

        // What people see.
        module(
            "Evaluation",
            [
                "Checkpoints", "Clips", "Faults", "Kernels", "Models", "Protocol", "Storage", "Threads", "Training",
                "Wire",
            ]),
        module("Export", ["Checkpoints", "Faults", "Kernels", "Models", "Wire"]),
        module("Prediction", ["Checkpoints", "Faults", "Reporting", "Storage", "Video"]),
        module("Reporting", ["Faults", "Storage", "Wire"]),
        .target(
            name: "Dashboard", dependencies: ["Faults", "Reporting", "Storage", "Wire"] + nio,
            path: "Sources/Dashboard",
            // The page is compiled into the program, which stays one file.
            resources: [
                .embedInCode("Page/page.html"), .embedInCode("Page/page.css"), .embedInCode("Page/page.js"),
            ], swiftSettings: common),
        .executableTarget(
            name: "zoetrope",
            dependencies: [
                "Acquisition", "Checkpoints", "Clips", "Compatibility", "Configuration", "Coordinator", "Curation",
                "Dashboard", "Evaluation",
                "Export", "Faults",
                "Kernels", "Launch", "Models", "Prediction", "Protocol", "Randomness", "Reporting", "Storage",
                "Threads", "Training",
                "Video",
                "Wire", "Worker", arguments,
            ],
            path: "Sources/zoetrope", swiftSettings: common),

        // A folder of tests for each module; Support is what they share.
        module("TestSupport", ["Faults"], path: "Tests/Support"),
        module("Fuzzing", ["Checkpoints", "Faults", "Storage", "TestSupport", "Wire"], path: "Tests/Fuzzing"),
        .executableTarget(
            name: "fuzz-checkpoints", dependencies: ["Fuzzing"], path: "Tests/FuzzCheckpoints", swiftSettings: common),
        module(
            "Chaos",
            [
                "Checkpoints", "Coordinator", "Faults", "Protocol", "Randomness", "TestSupport", "Training", "Wire",
                "Worker",
            ],
            path: "Tests/Chaos"),
        .executableTarget(name: "chaos", dependencies: ["Chaos"], path: "Tests/ChaosCommand", swiftSettings: common),
        .executableTarget(
            name: "fuzz-frames", dependencies: ["Fuzzing"], path: "Tests/FuzzFrames", swiftSettings: common),
        tests("Foundations", ["Configuration", "Faults", "Randomness", "Reporting", "TestSupport"]),
        tests("Threads", ["Threads"]),
        tests(
            "Kernels",
            [
                "Faults", "Kernels", "MicroKernels", "MicroKernelsAVX512BF16", "MicroKernelsAVX512BF16Emulated",
                "TestSupport", "Threads",
            ]),
        tests(
            "Models", ["Checkpoints", "Faults", "Kernels", "Models", "Randomness", "TestSupport"], exclude: ["Fixtures"]
        ),
        tests(
            "Evaluation",
            [
                "Checkpoints", "Clips", "Evaluation", "Faults", "Kernels", "Models", "Protocol", "Randomness",
                "Storage", "TestSupport", "Threads", "Training", "Video",
            ]),
        tests("Prediction", ["Checkpoints", "Faults", "Prediction", "Reporting", "TestSupport", "Video"]),
        tests("Compatibility", ["Compatibility", "Configuration", "Faults", "Models", "TestSupport", "Training"]),
        tests("Export", ["Checkpoints", "Export", "Faults", "Kernels", "Models", "Randomness", "Storage", "Wire"]),
        tests("Storage", ["Checkpoints", "Faults", "Randomness", "Storage", "TestSupport", "Threads"]),
        tests(
            "Checkpoints",
            ["Checkpoints", "Faults", "Fuzzing", "Kernels", "Randomness", "Storage", "TestSupport", "Wire"],
            exclude: ["Fixtures"]),
        tests("Reporting", ["Faults", "Reporting", "Storage", "TestSupport", "Wire"]),
        tests("Dashboard", ["CCurl", "Dashboard", "Faults", "Reporting", "Threads", "Wire"]),
        tests("Acquisition", ["Acquisition", "Clips", "Faults", "Storage", "TestSupport", "Video"]),
        tests("Clips", ["CFFmpeg", "Clips", "Faults", "Storage", "TestSupport", "Video"], exclude: ["Fixtures"]),
        tests(
            "Curation",
            [
                "Clips", "Curation", "Faults", "Protocol", "Randomness", "Storage", "TestSupport", "Threads", "Video",
                "Wire",
            ]),
        tests("Training", ["Configuration", "Faults", "Randomness", "TestSupport", "Training", "Wire"]),
        tests(
            "Protocol",
            ["Configuration", "Faults", "Fuzzing", "Protocol", "Randomness", "TestSupport", "Threads", "Wire"]),
        tests(
            "Coordinator",
            ["Checkpoints", "Coordinator", "Faults", "Randomness", "Storage", "TestSupport", "Training", "Wire"]),
        tests("Launch", ["Configuration", "Faults", "Launch", "Protocol", "TestSupport"]),
        tests("Simulation", ["Coordinator", "Protocol", "Randomness", "TestSupport", "Training", "Wire", "Worker"]),
        tests(
            "Worker",
            ["Configuration", "Faults", "Kernels", "Models", "Storage", "TestSupport", "Training", "Wire", "Worker"]),
        tests(
            "Cluster",
            [
                "Acquisition", "Chaos", "Checkpoints", "Clips", "Coordinator", "Curation", "Evaluation", "Export",
                "Faults", "Kernels", "Models", "Protocol", "Randomness", "Reporting", "Storage", "TestSupport",
                "Threads", "Training", "Video", "Wire", "Worker",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
