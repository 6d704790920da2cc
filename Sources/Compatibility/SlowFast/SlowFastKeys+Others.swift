extension SlowFastKey {
    /// Keys that no classification of videos by a convolutional network reads, a section at a time.
    struct Others: Sendable {
        let section: String
        let reason: String
        /// Whether all keys of the section are here: then one row of the table is enough.
        let isWhole: Bool
        /// `KEY = default`, a line each.
        let keys: String

        var all: [SlowFastKey] {
            keys.split(separator: "\n").compactMap { line in
                guard let equals = line.firstRange(of: " = ") else { return nil }
                return SlowFastKey(
                    "\(section).\(line[..<equals.lowerBound])", String(line[equals.upperBound...]), .immaterial(reason))
            }
        }
    }

    static let elsewhere: [SlowFastKey] =
        [
            .init("VIS_MASK.ENABLE", "False", .only("only masked networks are drawn so")),
            .init("DETECTION.ENABLE", "False", .only("videos are classified, not the people in them")),
            .init("DEMO.ENABLE", "False", .only("there is no demo; `zoetrope predict` tells what is in videos")),
            .init("TENSORBOARD.ENABLE", "False", .immaterial("event files are always written into the run")),
            .init("TENSORBOARD.CONFUSION_MATRIX.ENABLE", "False", .immaterial("a test draws one in any case")),
            .init("TENSORBOARD.HISTOGRAM.ENABLE", "False", .immaterial("those of the weights are written in any case")),
            .init("TENSORBOARD.MODEL_VIS.ENABLE", "False", .only("TensorBoard gets no pictures of the network")),
            .init("TENSORBOARD.WRONG_PRED_VIS.ENABLE", "False", .only("TensorBoard gets no videos")),
        ] + others.flatMap(\.all)

    static let others: [Others] = [
        .init(
            section: "CONTRASTIVE", reason: "read by ContrastiveModel only, which `MODEL.MODEL_NAME` refuses",
            isWhole: true,
            keys: """
                T = 0.07
                DIM = 128
                LENGTH = 239975
                QUEUE_LEN = 65536
                MOMENTUM = 0.5
                MOMENTUM_ANNEALING = False
                TYPE = 'mem'
                INTERP_MEMORY = False
                MEM_TYPE = '1d'
                NUM_CLASSES_DOWNSTREAM = 400
                NUM_MLP_LAYERS = 1
                MLP_DIM = 2048
                BN_MLP = False
                BN_SYNC_MLP = False
                LOCAL_SHUFFLE_BN = True
                MOCO_MULTI_VIEW_QUEUE = False
                DELTA_CLIPS_MIN = -1e999
                DELTA_CLIPS_MAX = 1e999
                PREDICTOR_DEPTHS = []
                SEQUENTIAL = False
                SIMCLR_DIST_ON = True
                SWAV_QEUE_LEN = 0
                KNN_ON = True
                """),
        .init(
            section: "AUG", reason: "read by masked networks only, which `MODEL.MODEL_NAME` refuses", isWhole: false,
            keys: """
                GEN_MASK_LOADER = False
                MASK_TUBE = False
                MASK_FRAMES = False
                MASK_WINDOW_SIZE = [8, 7, 7]
                MASK_RATIO = 0.0
                MAX_MASK_PATCHES_PER_BLOCK = None
                """),
        .init(
            section: "MVIT", reason: "read by MViT only, which `MODEL.MODEL_NAME` refuses", isWhole: true,
            keys: """
                MODE = 'conv'
                POOL_FIRST = False
                CLS_EMBED_ON = True
                PATCH_KERNEL = [3, 7, 7]
                PATCH_STRIDE = [2, 4, 4]
                PATCH_PADDING = [2, 4, 4]
                PATCH_2D = False
                EMBED_DIM = 96
                NUM_HEADS = 1
                MLP_RATIO = 4.0
                QKV_BIAS = True
                DROPPATH_RATE = 0.1
                LAYER_SCALE_INIT_VALUE = 0.0
                DEPTH = 16
                NORM = 'layernorm'
                DIM_MUL = []
                HEAD_MUL = []
                POOL_KV_STRIDE = []
                POOL_KV_STRIDE_ADAPTIVE = None
                POOL_Q_STRIDE = []
                POOL_KVQ_KERNEL = None
                ZERO_DECAY_POS_CLS = True
                NORM_STEM = False
                SEP_POS_EMBED = False
                DROPOUT_RATE = 0.0
                USE_ABS_POS = True
                REL_POS_SPATIAL = False
                REL_POS_TEMPORAL = False
                REL_POS_ZERO_INIT = False
                RESIDUAL_POOLING = False
                DIM_MUL_IN_ATT = False
                SEPARATE_QKV = False
                HEAD_INIT_SCALE = 1.0
                USE_MEAN_POOLING = False
                USE_FIXED_SINCOS_POS = False
                REV.ENABLE = False
                REV.RESPATH_FUSE = 'concat'
                REV.BUFFER_LAYERS = []
                REV.RES_PATH = 'conv'
                REV.PRE_Q_FUSION = 'avg'
                """),
        .init(
            section: "MASK", reason: "read by MaskMViT only, which `MODEL.MODEL_NAME` refuses", isWhole: true,
            keys: """
                ENABLE = False
                MAE_ON = False
                MAE_RND_MASK = False
                PER_FRAME_MASKING = False
                TIME_STRIDE_LOSS = True
                NORM_PRED_PIXEL = True
                SCALE_INIT_BY_DEPTH = False
                DECODER_EMBED_DIM = 512
                DECODER_SEP_POS_EMBED = False
                DEC_KV_KERNEL = []
                DEC_KV_STRIDE = []
                PRETRAIN_DEPTH = [15]
                HEAD_TYPE = 'separate'
                DECODER_DEPTH = 0
                PRED_HOG = False
                """),
        .init(
            section: "BENCHMARK", reason: "read by PySlowFast's tools/benchmark.py only", isWhole: true,
            keys: """
                NUM_EPOCHS = 5
                LOG_PERIOD = 100
                SHUFFLE = True
                """),
        .init(
            section: "DETECTION", reason: "read with `DETECTION.ENABLE` only, which is refused", isWhole: false,
            keys: """
                ALIGNED = True
                SPATIAL_SCALE_FACTOR = 16
                ROI_XFORM_RESOLUTION = 7
                """),
        .init(
            section: "AVA", reason: "read for the data set AVA only, which is refused", isWhole: true,
            keys: """
                FRAME_DIR = '/mnt/fair-flash3-east/ava_trainval_frames.img/'
                FRAME_LIST_DIR = '/mnt/vol/gfsai-flash3-east/ai-group/users/haoqifan/ava/frame_list/'
                ANNOTATION_DIR = '/mnt/vol/gfsai-flash3-east/ai-group/users/haoqifan/ava/frame_list/'
                TRAIN_LISTS = ['train.csv']
                TEST_LISTS = ['val.csv']
                TRAIN_GT_BOX_LISTS = ['ava_train_v2.2.csv']
                TRAIN_PREDICT_BOX_LISTS = []
                TEST_PREDICT_BOX_LISTS = ['ava_val_predicted_boxes.csv']
                DETECTION_SCORE_THRESH = 0.9
                BGR = False
                TRAIN_USE_COLOR_AUGMENTATION = False
                TRAIN_PCA_JITTER_ONLY = True
                TEST_FORCE_FLIP = False
                FULL_TEST_ON_VAL = False
                LABEL_MAP_FILE = 'ava_action_list_v2.2_for_activitynet_2019.pbtxt'
                EXCLUSION_FILE = 'ava_val_excluded_timestamps_v2.2.csv'
                GROUNDTRUTH_FILE = 'ava_val_v2.2.csv'
                IMG_PROC_BACKEND = 'cv2'
                """),
        .init(
            section: "TENSORBOARD", reason: "how pictures are drawn, none of which are asked for", isWhole: false,
            keys: """
                PREDICTIONS_PATH = ''
                LOG_DIR = ''
                CLASS_NAMES_PATH = ''
                CATEGORIES_PATH = ''
                CONFUSION_MATRIX.FIGSIZE = [8, 8]
                CONFUSION_MATRIX.SUBSET_PATH = ''
                HISTOGRAM.SUBSET_PATH = ''
                HISTOGRAM.TOPK = 10
                HISTOGRAM.FIGSIZE = [8, 8]
                MODEL_VIS.MODEL_WEIGHTS = False
                MODEL_VIS.ACTIVATIONS = False
                MODEL_VIS.INPUT_VIDEO = False
                MODEL_VIS.LAYER_LIST = []
                MODEL_VIS.TOPK_PREDS = 1
                MODEL_VIS.COLORMAP = 'Pastel2'
                MODEL_VIS.GRAD_CAM.ENABLE = True
                MODEL_VIS.GRAD_CAM.LAYER_LIST = []
                MODEL_VIS.GRAD_CAM.USE_TRUE_LABEL = False
                MODEL_VIS.GRAD_CAM.COLORMAP = 'viridis'
                WRONG_PRED_VIS.TAG = 'Incorrectly classified videos.'
                WRONG_PRED_VIS.SUBSET_PATH = ''
                """),
        .init(
            section: "DEMO", reason: "read with `DEMO.ENABLE` only, which is refused", isWhole: false,
            keys: """
                LABEL_FILE_PATH = ''
                WEBCAM = -1
                INPUT_VIDEO = ''
                DISPLAY_WIDTH = 0
                DISPLAY_HEIGHT = 0
                DETECTRON2_CFG = 'COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml'
                DETECTRON2_WEIGHTS = 'detectron2://COCO-Detection/faster_rcnn_R_50_FPN_3x/137849458/model_final_280758.pkl'
                DETECTRON2_THRESH = 0.9
                BUFFER_SIZE = 0
                OUTPUT_FILE = ''
                OUTPUT_FPS = -1
                INPUT_FORMAT = 'BGR'
                CLIP_VIS_SIZE = 10
                NUM_VIS_INSTANCES = 2
                PREDS_BOXES = ''
                THREAD_ENABLE = False
                NUM_CLIPS_SKIP = 0
                GT_BOXES = ''
                STARTING_SECOND = 900
                FPS = 30
                VIS_MODE = 'thres'
                COMMON_CLASS_THRES = 0.7
                UNCOMMON_CLASS_THRES = 0.3
                COMMON_CLASS_NAMES = ['watch (a person)', 'talk to (e.g., self, a person, a group)', 'listen to (a person)', 'touch (an object)', 'carry/hold (an object)', 'walk', 'sit', 'lie/sleep', 'bend/bow (at the waist)']
                SLOWMO = 1
                """),
    ]
}
