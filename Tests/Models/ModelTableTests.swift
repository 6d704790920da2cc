import Foundation
import Kernels
import Models
import TestSupport
import Testing

/// The table of docs/models.md, and that it says the truth.
struct ModelTableTests {
    @Test(arguments: PublishedFigure.all.indices)
    func figuresAreThePublishedOnes(_ index: Int) throws {
        let figure = PublishedFigure.all[index]
        let network = try figure.network
        let verdicts = [figure.parameterAgreement(network), figure.macsAgreement(network)]
        #expect(verdicts.contains(.different) == (figure.difference != nil), "\(figure): \(verdicts)")
        #expect(verdicts.contains { $0 != nil }, "\(figure) says nothing")
    }

    @Test func everyFamilyHasFigures() {
        let names = Set(PublishedFigure.all.map(\.name))
        for name in names { #expect(NetworkDescription.names.contains(name)) }
        // All that pytorchvideo's hub and torchvision build, each of VMZ's kinds at depth 18 or 152, and C3D.
        for name in NetworkDescription.names {
            guard name.hasPrefix("pytorchvideo/") || name.hasPrefix("torchvision/") || name == "c3d" else { continue }
            #expect(names.contains(name), "\(name)")
        }
        for kind in ["r2d", "r2df", "mc2", "mc3", "mc4", "mc5", "rmc2", "rmc3", "rmc4", "rmc5", "r3d", "r2plus1d"] {
            #expect(names.contains("\(kind)-18"))
        }
        #expect(names.isSuperset(of: ["ir-csn-152", "ip-csn-152", "r2plus1d-34", "r2plus1d-152"]))
    }

    @Test func decimalsMatchRoundedOrCut() {
        #expect(Agreement.matches("20.7", 20.748))
        #expect(Agreement.matches("20", 19.976))
        #expect(Agreement.matches("16.8", 16.8464))
        #expect(Agreement.matches("33.3", 33.3427))
        #expect(Agreement.matches("11.695440", 11.69544))
        #expect(!Agreement.matches("20.7", 20.849))
        #expect(!Agreement.matches("20.7", 20.64))
        #expect(!Agreement.matches("49.8", 49.7498))
        #expect(!Agreement.matches("many", 1))
    }

    @Test func thePageHoldsTheTable() throws {
        let page = try text(of: "\(sourceTree)/docs/models.md")
        let begin = try #require(page.range(of: ModelTable.marks.begin + "\n"))
        let end = try #require(page.range(of: ModelTable.marks.end))
        let table = try ModelTable.markdown()
        #expect(
            page[begin.upperBound..<end.lowerBound] == table,
            "write what `zoetrope model list --markdown` prints between the marks of docs/models.md")
        for name in NetworkDescription.names { #expect(table.contains("| \(name) |")) }
    }

    @Test func trainingMemoryIsWhatAPassTakes() throws {
        let network = try NetworkDescription(named: "r2plus1d-10", classes: 10, frames: 8, size: 64)
        for (N, threads, recomputation) in [(1, 1, .none), (3, 2, .none), (3, 2, .whereItSaves)]
            as [(Int, Int, Recomputation)]
        {
            let policy = MemoryPolicy(recomputation: recomputation)
            let pass = try TrainingPass(
                network, N: N, pool: ThreadPool(threads: threads), instructionSet: .best, policy: policy)
            let memory = try TrainingMemory(
                network, N: N, threads: threads, instructionSet: .best, policy: policy)
            #expect(memory.bytes == pass.memoryBytes)
            #expect((memory.recomputedMacs > 0) == (recomputation != .none))
        }
    }
}
