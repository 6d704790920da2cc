import Clips
import Curation
import Faults
import Testing
import Video

@Suite("Contact sheets") struct BrowseTests {
    private func settings() throws -> ClipSettings {
        try ClipSettings(
            frames: 2, resize: .shortEdge([2]), crop: 2, mean: SIMD3(100, 50, 20), deviation: SIMD3(10, 20, 40))
    }

    /// Frames stand side by side, and every byte is what it was before the network's normalisation.
    @Test func aStripShowsTheBytesThatWereNormalised() throws {
        let settings = try settings()
        // Byte 3 (4 t + 2 y + x) + c, beyond both ends once.
        var clip = (0..<24).map { (Float($0) - settings.mean[$0 % 3]) / settings.deviation[$0 % 3] }
        clip[0] = 1000
        clip[1] = -1000
        let picture = ContactSheet.strip(clip, settings)
        #expect(picture.width == 4 && picture.height == 2)
        let row = [255, 0, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17]
        #expect(picture.rgb.map(Int.init) == row + [6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23])
    }

    @Test func aPageNeedsNothingElseAndTrustsNoName() throws {
        var sheet = ContactSheet(title: "a & b", settings: try settings())
        try sheet.add([Float](repeating: 0, count: 24), caption: "<script>\"x\"")
        let html = String(decoding: try sheet.bytes(), as: UTF8.self)
        #expect(html.contains("&lt;script&gt;&quot;x&quot;") && html.contains("<title>a &amp; b</title>"))
        #expect(!html.contains("<script"))
        #expect(html.contains("src=\"data:image/png;base64,iVBORw0KGgo"))
    }

    @Test func picturesArePNGFiles() throws {
        let png = try encodePNG(rgb: (0..<3 * 5 * 4).map { UInt8($0) }, width: 5, height: 4)
        #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        // IHDR: width and height, 32 bits each, then 8 bits of three channels.
        #expect(Array(png[16..<26]) == [0, 0, 0, 5, 0, 0, 0, 4, 8, 2])
        #expect(png == (try encodePNG(rgb: (0..<3 * 5 * 4).map { UInt8($0) }, width: 5, height: 4)))
    }

    /// Two clips of two frames of 2 x 2: a picture of 4 x 4, the first clip above the second.
    @Test func onePictureHasARowForEachClip() throws {
        let settings = try settings()
        func clip(_ value: Float) -> [Float] {
            (0..<24).map { (value - settings.mean[$0 % 3]) / settings.deviation[$0 % 3] }
        }
        var sheet = ContactSheet(title: "", settings: settings, format: .png)
        try sheet.add(clip(7), caption: "")
        try sheet.add(clip(200), caption: "")
        let expected = [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 200, count: 24)
        #expect(try sheet.bytes() == encodePNG(rgb: expected, width: 4, height: 4))
    }

    @Test func moreThanAPictureHoldsIsRefused() throws {
        let large = try ClipSettings(frames: 64, resize: .shortEdge([512]), crop: 512)
        var sheet = ContactSheet(title: "", settings: large, format: .png)
        let clip = [Float](repeating: 0, count: large.clipFloats)
        let fault = #expect(throws: Fault.self) { for _ in 0..<6 { try sheet.add(clip, caption: "") } }
        #expect(fault?.thing == "--clips" && fault?.mend.contains(".html") == true)
    }
}
