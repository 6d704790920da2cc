import Prediction
import Reporting
import Testing

@Suite struct VideoPredictionTests {
    private let found = VideoPrediction.Found(
        frames: 4, frameTimes: [0, 0.1, 0.2, 0.3], clips: 2,
        top: [.init(label: 1, score: 0.75), .init(label: 0, score: 0.25)],
        timeline: Timeline(starts: [0, 2], span: 2, frames: 4, scores: [[0, 1], [0.5, 0.25]]))

    @Test func jsonNamesEverything() {
        let prediction = VideoPrediction(video: "a.mp4", classNames: ["x", "y"], outcome: .success(found))
        let end = 0.3 + 0.3 / 3
        let segments = [
            #"{"start_frame":0,"end_frame":2,"start_s":0,"end_s":0.2,"label":1,"class":"y","score":1}"#,
            #"{"start_frame":2,"end_frame":4,"start_s":0.2,"end_s":\#(end),"label":0,"class":"x","score":0.5}"#,
        ]
        let top = #"[{"label":1,"class":"y","score":0.75},{"label":0,"class":"x","score":0.25}]"#
        let timeline = segments.joined(separator: ",")
        let expected = #"{"video":"a.mp4","frames":4,"clips":2,"top":\#(top),"timeline":[\#(timeline)]}"#
        #expect(prediction.json.text == expected)
    }

    @Test func csvQuotesWhatNeedsIt() {
        let prediction = VideoPrediction(video: "a,b.mp4", classNames: [], outcome: .success(found))
        #expect(
            prediction.csv == """
                "a,b.mp4",top,1,,,1,class 1,0.750000,
                "a,b.mp4",top,2,,,0,class 0,0.250000,
                "a,b.mp4",segment,,0.000,0.200,1,class 1,1.000000,
                "a,b.mp4",segment,,0.200,0.400,0,class 0,0.500000,

                """)
        let failed = VideoPrediction(video: "b", classNames: [], outcome: .failure(.init(reason: "says \"no\"")))
        #expect(failed.csv == "b,error,,,,,,,\"says \"\"no\"\"\"\n")
        #expect(VideoPrediction.csvHeader.split(separator: ",").count == 9)
    }

    @Test func textIsForPeople() {
        let prediction = VideoPrediction(video: "a.mp4", classNames: ["x", "y"], outcome: .success(found))
        #expect(
            prediction.text == """
                a.mp4: y 75.0 %, x 25.0 %
                  0.00 s to 0.20 s: y 100.0 %
                  0.20 s to 0.40 s: x 50.0 %

                """)
    }
}
