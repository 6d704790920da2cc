import Compatibility
import Configuration
import Faults
import Testing
import Training

/// Configurations in PySlowFast's form, said in the words of the tests.
enum SlowFastConfigs {
    /// What configs/Kinetics/SLOWFAST_8x8_R50.yaml says.
    static let slowFast8x8 = """
        TRAIN:
          ENABLE: True
          DATASET: kinetics
          BATCH_SIZE: 64
          EVAL_PERIOD: 10
          CHECKPOINT_PERIOD: 1
          AUTO_RESUME: True
        DATA:
          NUM_FRAMES: 32
          SAMPLING_RATE: 2
          TRAIN_JITTER_SCALES: [256, 320]
          TRAIN_CROP_SIZE: 224
          TEST_CROP_SIZE: 256
          INPUT_CHANNEL_NUM: [3, 3]
        SLOWFAST:
          ALPHA: 4
          BETA_INV: 8
          FUSION_CONV_CHANNEL_RATIO: 2
          FUSION_KERNEL_SZ: 7
        RESNET:
          ZERO_INIT_FINAL_BN: True
          WIDTH_PER_GROUP: 64
          NUM_GROUPS: 1
          DEPTH: 50
          TRANS_FUNC: bottleneck_transform
          STRIDE_1X1: False
          NUM_BLOCK_TEMP_KERNEL: [[3, 3], [4, 4], [6, 6], [3, 3]]
          SPATIAL_STRIDES: [[1, 1], [2, 2], [2, 2], [2, 2]]
          SPATIAL_DILATIONS: [[1, 1], [1, 1], [1, 1], [1, 1]]
        NONLOCAL:
          LOCATION: [[[], []], [[], []], [[], []], [[], []]]
          GROUP: [[1, 1], [1, 1], [1, 1], [1, 1]]
          INSTANTIATION: dot_product
        BN:
          USE_PRECISE_STATS: True
          NUM_BATCHES_PRECISE: 200
        SOLVER:
          BASE_LR: 0.1
          LR_POLICY: cosine
          MAX_EPOCH: 196
          MOMENTUM: 0.9
          WEIGHT_DECAY: 1e-4
          WARMUP_EPOCHS: 34.0
          WARMUP_START_LR: 0.01
          OPTIMIZING_METHOD: sgd
        MODEL:
          NUM_CLASSES: 400
          ARCH: slowfast
          MODEL_NAME: SlowFast
          LOSS_FUNC: cross_entropy
          DROPOUT_RATE: 0.5
        TEST:
          ENABLE: True
          DATASET: kinetics
          BATCH_SIZE: 64
        DATA_LOADER:
          NUM_WORKERS: 8
          PIN_MEMORY: True
        NUM_GPUS: 8
        NUM_SHARDS: 1
        RNG_SEED: 0
        OUTPUT_DIR: .
        """

    /// What the README of the seed's author runs after `--opts`.
    static let seedOptions = [
        "DATA.PATH_TO_DATA_DIR", "~/kinetics-dataset/k400/test/", "TEST.CHECKPOINT_FILE_PATH",
        "~/PySlowFast_Model_Zoo/SLOWFAST_8x8_R50.pkl", "TRAIN.ENABLE", "False", "TEST.ENABLE", "True",
        "TEST.CHECKPOINT_TYPE", "caffe2", "DATA_LOADER.NUM_WORKERS", "2",
    ]

    static func translate(
        _ text: String, _ options: [String] = [], shards: Int = 1
    ) throws(Fault) -> SlowFastTranslation {
        try SlowFastTranslation(text: text, name: "a.yaml", options: options, shards: shards)
    }

    /// What the refusal of a configuration says, or nothing.
    static func refusal(_ text: String, _ options: [String] = []) -> String {
        do throws(Fault) {
            _ = try translate(text, options)
            return ""
        } catch { return error.description }
    }
}
