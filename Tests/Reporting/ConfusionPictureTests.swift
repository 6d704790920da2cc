import Reporting
import Testing

@Suite struct ConfusionPictureTests {
    private func pixel(_ picture: ConfusionPicture, _ x: Int, _ y: Int) -> [UInt8] {
        Array(picture.rgb[3 * (y * picture.side + x)..<3 * (y * picture.side + x) + 3])
    }

    @Test func rowsAreClassesAndColumnsWhatTheyWereTakenFor() {
        let picture = ConfusionPicture(
            classes: 4,
            cells: [
                .init(label: 0, prediction: 0, videos: 16), .init(label: 1, prediction: 3, videos: 4),
                .init(label: 1, prediction: 1, videos: 12), .init(label: 2, prediction: 2, videos: 999),
                .init(label: 2, prediction: 0, videos: 1),
            ])
        #expect(picture.side == 512 && picture.rgb.count == 3 * 512 * 512)
        // All of the row: the colour itself.
        #expect(pixel(picture, 0, 0) == [0x1F, 0x6F, 0xC4] && pixel(picture, 127, 127) == [0x1F, 0x6F, 0xC4])
        #expect(pixel(picture, 128, 0) == [255, 255, 255])
        // A quarter: half way from white.
        #expect(pixel(picture, 3 * 128, 128) == [236, 172, 142])
        #expect(pixel(picture, 3 * 128, 0) == [255, 255, 255] && pixel(picture, 128, 3 * 128) == [230, 233, 237])
        // One of a thousand is still seen.
        #expect(pixel(picture, 5, 300) == [250, 235, 228])
    }

    @Test func manyClassesHaveAPixelEach() {
        let picture = ConfusionPicture(classes: 700, cells: [.init(label: 699, prediction: 0, videos: 3)])
        #expect(picture.side == 700)
        #expect(pixel(picture, 0, 699) == [0xD9, 0x59, 0x1C] && pixel(picture, 1, 699) == [255, 255, 255])
        #expect(pixel(picture, 0, 698) == [230, 233, 237])
    }
}
