/// What is trained and how: everything that decides the bits of the weights, and nothing about the cluster.
///
/// Written as TOML, each key with a default here; `recipes/` holds one file per published run. The life of a step and
/// the meaning of units are in `docs/architecture.md`.
public struct Recipe: Sendable, Equatable {
    /// Keys every random number of the run: initial weights, order of clips, augmentation, dropout.
    public var seed: UInt64
    public var model: Model
    public var input: Input
    public var batch: Batch
    public var optimizer: Optimizer
    public var schedule: Schedule
    public var augment: Augment
    public var loss: Loss
    public var test: TestProtocol
    public var numerics: Numerics
    public var checkpoint: Checkpoint
    public var validation: Validation
    /// Clips whose number, frames and size change from step to step; `nil`: all steps are alike.
    public var multigrid: Multigrid?

    public struct Model: Sendable, Equatable {
        /// As `zoetrope model list` prints it.
        public var name: String
        /// Outputs of the last layer; 0: as many as the data set has classes.
        public var classes: Int
        /// Where the first weights come from; `nil`: from the seed.
        public var initialWeights: InitialWeights?
        /// VMZ's options; a network that has no such option refuses all but the first value.
        /// Times the channels of every residual stage; 1: as published.
        public var channelMultiplier: Double
        /// Times the inner channels of bottlenecks; 1: as published.
        public var bottleneckMultiplier: Double
        /// A max pool behind the first convolution.
        public var pool1: Bool
        /// Frames from one place of the first convolution to the next.
        public var conv1TemporalStride: Int
        /// Frames that the first convolution sees: 3 or 5.
        public var conv1TemporalKernel: Int
        /// Probability of dropout before the head; -1: as published.
        public var dropout: Double
    }

    /// How a clip is cut from a video.
    public struct Input: Sendable, Equatable {
        /// Frames of a clip (T).
        public var frames: Int
        /// Source frames from one frame of the clip to the next.
        public var samplingRate: Int
        /// The square cut out of each frame, in pixels (H and W).
        public var crop: Int
        public var resize: Resize
        /// Subtracted from each of R, G and B, on the scale 0 to 255.
        public var mean: [Double]
        /// R, G and B are divided by it after the mean is gone.
        public var deviation: [Double]
    }

    public enum Resize: Sendable, Equatable {
        /// Every frame becomes `width` × `height`, whatever its aspect (VMZ's `video_res_type` 0).
        case exact(width: Int, height: Int)
        /// The shorter side becomes one of `edges`, drawn per clip; the first when testing.
        case shortEdge([Int])
        /// The shorter side becomes any number in the range, drawn per clip, uniformly or by its inverse; the least when
        /// testing.
        case shortEdgeRange(ClosedRange<Int>, inverse: Bool)
    }

    /// A step is `units` gradient units of `clipsPerUnit` clips, whatever the number of workers. With multigrid, that is a
    /// step of whole clips, and `StepSchedule` says what the others are.
    public struct Batch: Sendable, Equatable {
        public var units: Int
        public var clipsPerUnit: Int
        public var clips: Int { units * clipsPerUnit }
    }

    public struct Optimizer: Sendable, Equatable {
        public enum Kind: String, Sendable, CaseIterable { case sgd, adam, adamw }
        public var kind: Kind
        /// For a whole step (all units), at its highest.
        public var learningRate: Double
        public var momentum: Double
        public var nesterov: Bool
        /// Caffe2's convention, which VMZ trained with: the learning rate is folded into the momentum buffer.
        public var rateInMomentum: Bool
        /// For `adam` and `adamw`: what the moments keep of their old values.
        public var betas: [Double]
        public var epsilon: Double
        public var weightDecay: Double
        /// Which roles of parameters decay: of `weight`, `bias`, `scale`, `shift`.
        public var weightDecayOn: [String]
        /// The weight decay of batch norms' `scale` and `shift`; -1: `weightDecayOn` decides.
        public var batchNormWeightDecay: Double
        /// Largest norm of a step's gradient; 0: no clipping.
        public var clipNorm: Double
        /// Largest magnitude of an element of it; 0: no clipping.
        public var clipValue: Double
        /// What a moving average of the weights keeps of its old value at each step; 0: there is none.
        public var average: Double
        /// All batch norms keep their first running statistics and normalise with them; γ and β are trained.
        public var freezesStatistics: Bool
        /// Patterns of parameters that keep their first values (`ParameterGroups`).
        public var freeze: [String]
        /// What the learning rate of some parameters is multiplied by; the first pattern that fits counts.
        public var rates: [RateMultiplier]

        public struct RateMultiplier: Sendable, Equatable {
            public var pattern: String
            /// Above 0.
            public var factor: Double
        }
    }

    public struct Schedule: Sendable, Equatable {
        public enum Kind: String, Sendable, CaseIterable {
            case steps, cosine, constant
            case multiStep = "multi-step"
            case relativeSteps = "relative-steps"
        }

        public var epochs: Double
        /// Steps of the run, whatever the data set's size; 0: as many as `epochs` make.
        public var steps: Int
        /// Clips of an epoch; 0: as many as the data set has (VMZ's epochs are 1,000,000 clips).
        public var clipsPerEpoch: Int
        public var kind: Kind
        /// For `steps`: epochs between two reductions by `gamma`.
        public var stepEpochs: Double
        public var gamma: Double
        /// For `multiStep` and `relativeSteps`: epochs, ascending.
        public var milestones: [Double]
        /// For `relativeSteps`: what the highest rate is multiplied by from each milestone on.
        public var factors: [Double]
        /// For `cosine`: the rate at the end, and whether it begins to fall at the end of the warm-up only.
        public var endRate: Double
        public var cosineAfterWarmup: Bool
        /// Epochs over which the rate rises from `warmupFrom` times the highest, and how.
        public var warmupEpochs: Double
        public var warmupFrom: Double
        public var warmup: LearningRate.Warmup
    }

    public struct Augment: Sendable, Equatable {
        /// Probability of mirroring a clip left to right.
        public var flip: Double
        /// Every clip is one frame repeated: for showing that a data set needs motion.
        public var freezeFrame: Bool
        /// Mixup's and CutMix's parameters of the Beta distribution, 0: off; that a unit is mixed; that it is CutMix where both
        /// are on.
        public var mixupAlpha: Double
        public var cutmixAlpha: Double
        public var mixProbability: Double
        public var mixSwitch: Double
        /// Least and most share of the frame's area and aspect of a random resized crop; empty: none.
        public var cropArea: [Double]
        public var cropAspect: [Double]
        /// Of brightness, contrast and saturation.
        public var colourJitter: [Double]
        /// Deviation of PCA lighting.
        public var lighting: Double
        /// In timm's notation; empty: none.
        public var randAugment: String
        public var eraseProbability: Double
        public var eraseWindows: Int
        /// `noise` or `mean`.
        public var eraseFill: String
        /// How often in a row a video is drawn.
        public var repeats: Int
    }

    public struct Loss: Sendable, Equatable {
        /// ε: the label's probability is 1 − ε + ε / classes, every other's ε / classes.
        public var labelSmoothing: Double
    }

    /// Mixup and CutMix.
    public var mixing: ClipMixing {
        ClipMixing(
            mixupAlpha: augment.mixupAlpha, cutmixAlpha: augment.cutmixAlpha, probability: augment.mixProbability,
            switchProbability: augment.mixSwitch)
    }

    public struct Numerics: Sendable, Equatable {
        /// `auto` becomes the coordinator's best when the run starts and stays fixed from then on.
        public var instructionSet: String
        public var convolution: String
        /// `f32`, or `bf16`: factors of convolutions rounded to bfloat16, sums and everything else f32.
        public var compute: String
    }

    public struct Checkpoint: Sendable, Equatable {
        /// Steps between two checkpoints.
        public var everySteps: Int
        /// How many of the newest checkpoints are kept.
        public var keep: Int
        /// And those of every step that this divides; 0: no others.
        public var keepEvery: Int
    }

    /// Testing of checkpoints while training goes on; it changes no bit.
    public struct Validation: Sendable, Equatable {
        /// Epochs between two validations; 0: there are none.
        public var everyEpochs: Double
        /// Of the data set.
        public var split: String
        /// Clips per video, spread uniformly.
        public var clips: Int
        /// The moving average of the weights is tested.
        public var average: Bool
        /// Training clips over which statistics of batch norms are computed anew before; 0: they stay as they are.
        public var preciseClips: Int
    }

    /// Clips of an epoch over a data set of `clips` clips: each as often as it is repeated.
    public func clipsPerEpoch(dataSetClips clips: Int) -> Int {
        schedule.clipsPerEpoch == 0 ? clips * augment.repeats : schedule.clipsPerEpoch
    }

    /// Steps of the run over a data set of `clips` clips: given, or the epochs' clips divided by a step's, rounded up.
    public func steps(dataSetClips clips: Int) -> Int {
        if schedule.steps > 0 { return schedule.steps }
        if multigrid != nil { return stepSchedule(dataSetClips: clips).steps }
        let drawn = schedule.epochs * Double(clipsPerEpoch(dataSetClips: clips))
        return Int((drawn / Double(batch.clips)).rounded(.up))
    }
}
