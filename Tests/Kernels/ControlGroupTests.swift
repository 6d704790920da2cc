import Kernels
import Testing

/// Limits of control groups as containers, schedulers and systemd set them, from the texts that the system shows.
@Suite struct ControlGroupTests {
    private func group(_ groups: String, _ mounts: String, _ files: [String: String]) -> ControlGroup {
        ControlGroup(groups: groups, mounts: mounts) { files[$0] }
    }

    private static let second = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev - cgroup2 cgroup2 rw,nsdelegate\n"

    @Test func aContainerOfTheSecondVersionSeesItsOwnGroupAsTheRoot() {
        let found = group(
            "0::/\n", Self.second,
            ["/sys/fs/cgroup/cpu.max": "1600000 100000\n", "/sys/fs/cgroup/memory.max": "34359738368\n"])
        #expect(found == ControlGroup(processors: 16, memoryBytes: 32 << 30))
    }

    @Test func theTightestLimitAboveCounts() {
        let found = group(
            "0::/system.slice/slurm.service/job_7\n", Self.second,
            [
                "/sys/fs/cgroup/system.slice/slurm.service/job_7/cpu.max": "800000 100000\n",
                "/sys/fs/cgroup/system.slice/slurm.service/job_7/memory.max": "max\n",
                "/sys/fs/cgroup/system.slice/slurm.service/cpu.max": "250000 100000\n",
                "/sys/fs/cgroup/system.slice/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/system.slice/memory.max": "1073741824\n",
            ])
        #expect(found == ControlGroup(processors: 2.5, memoryBytes: 1 << 30))
    }

    @Test func theFirstVersionHasAFolderForEachController() {
        let mounts = """
            32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
            34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            """
        let found = group(
            "4:memory:/user/7\n3:cpuset:/\n1:cpu,cpuacct:/batch\n0::/\n", mounts,
            [
                "/sys/fs/cgroup/cpu/batch/cpu.cfs_quota_us": "40000\n",
                "/sys/fs/cgroup/cpu/batch/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/memory/user/7/memory.limit_in_bytes": "9223372036854771712\n",
                "/sys/fs/cgroup/memory/user/memory.limit_in_bytes": "4294967296\n",
            ])
        #expect(found == ControlGroup(processors: 0.4, memoryBytes: 4 << 30))
    }

    /// Docker's way of the first version: the path is the host's, and what is mounted begins there.
    @Test func whatIsMountedMayBeginAtTheGroup() {
        let found = group(
            "5:cpu:/docker/abc\n", "50 40 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
            [
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "50000\n",
                "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "1\n",
                "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
            ])
        #expect(found == ControlGroup(processors: 3))
    }

    @Test(arguments: [
        ("", ""), ("0::/a\n", ""), ("nonsense", second), ("0::/../b\n", second), ("1:cpu:/\n", second),
        ("0::/\n", "30 23 0:26 / /sys/fs/cgroup"), ("0::/\n", "- - - - - - - cgroup2 - -"),
    ])
    func withoutAnythingToReadNothingIsLimited(groups: String, mounts: String) {
        #expect(group(groups, mounts, [:]) == ControlGroup())
    }

    @Test(arguments: ["", "max", "0 100000", "-1 100000", "100000", "100000 0", "many 100000", "1 2 3"])
    func whatIsNoLimitIsNone(text: String) {
        let files = ["/sys/fs/cgroup/cpu.max": text, "/sys/fs/cgroup/memory.max": text.isEmpty ? "x" : "0"]
        #expect(group("0::/\n", Self.second, files) == ControlGroup())
    }

    @Test func threadsAreThoseThatCanRunAllTheTime() {
        #expect(Cores.usable(64, quota: nil) == 64)
        #expect(Cores.usable(64, quota: 16) == 16)
        #expect(Cores.usable(64, quota: 2.9) == 2)
        #expect(Cores.usable(64, quota: 0.4) == 1)
        #expect(Cores.usable(4, quota: 16) == 4)
        #expect(Cores.usable(0, quota: nil) == 1)
        #expect(Cores.usable(4, quota: .infinity) == 4)
        #expect((1...Cores.available.count).contains(Cores.usable))
    }
}
