import Reporting
import Testing
import Wire

@Suite struct PrometheusTests {
    @Test func linesAreAsTheFormatHasThem() {
        var text = PrometheusText()
        text.add("a_total", .counter, "What\nit is \\ was.", [.init(3, [("who", "\"x\"\n\\")]), .init(0.5)])
        text.add("nothing", .gauge, "Without samples.", [])
        text.add("b", .gauge, "Not finite.", [.init(.infinity), .init(-.infinity), .init(.nan), .init(1e-7)])
        #expect(
            text.text == #"""
                # HELP a_total What\nit is \\ was.
                # TYPE a_total counter
                a_total{who="\"x\"\n\\"} 3
                a_total 0.5
                # HELP b Not finite.
                # TYPE b gauge
                b +Inf
                b -Inf
                b NaN
                b 1e-07

                """#)
    }

    @Test func histogramsAreCumulative() {
        var histogram = Histogram(bounds: [1, 2.5])
        for value in [0.5, 1, 2, 9] { histogram.add(value) }
        var text = PrometheusText()
        text.add("s_seconds", "How long.", histogram)
        #expect(
            text.text == """
                # HELP s_seconds How long.
                # TYPE s_seconds histogram
                s_seconds_bucket{le="1"} 2
                s_seconds_bucket{le="2.5"} 3
                s_seconds_bucket{le="+Inf"} 4
                s_seconds_sum 12.5
                s_seconds_count 4

                """)
    }

    /// Two workers of one name would be one series: Prometheus drops the whole scrape for that.
    @Test func everySeriesIsThereOnce() {
        var metrics = RunMetrics(RunMetricsTests.facts, now: 0)
        metrics.committed(RunMetricsTests.point(0), isReplayed: false, now: 1)
        let time = TimeSplit(compute: 1)
        metrics.observed(
            RunMetricsTests.status(step: 1, [RunMetricsTests.member(1, time), RunMetricsTests.member(2, time)]), now: 1)
        metrics.happened(.died, "worker w is dead", now: 2)
        let use = ProcessUse(cpuSeconds: 1, residentBytes: 2, openFiles: 3, mostOpenFiles: 4)
        for text in [metrics.prometheus(now: 3, process: use), Progress().prometheus(worker: "w", process: use)] {
            let lines = text.split(separator: "\n")
            let series = lines.filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: " ").first }
            let names = lines.filter { $0.hasPrefix("# TYPE") }
            #expect(Set(series).count == series.count)
            #expect(Set(names).count == names.count)
        }
        #expect(metrics.prometheus(now: 3, process: use).contains("zoetrope_events_total{kind=\"died\"} 1\n"))
    }
}
