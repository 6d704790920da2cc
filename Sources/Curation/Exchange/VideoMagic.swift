/// What kind of container bytes begin like, as the extension of a file: for names only; what a video is, libav decides.
/// - Returns: `nil` when they begin like none.
func containerExtension(_ bytes: [UInt8]) -> String? {
    func begins(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
    if begins("ftyp", at: 4) || begins("moov", at: 4) || begins("mdat", at: 4) || begins("wide", at: 4) { return "mp4" }
    if bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return "mkv" }
    if begins("RIFF") { return "avi" }
    if begins("FLV") { return "flv" }
    if begins("OggS") { return "ogv" }
    if bytes.starts(with: [0x30, 0x26, 0xB2, 0x75]) { return "wmv" }
    if bytes.starts(with: [0, 0, 1, 0xBA]) || bytes.starts(with: [0, 0, 1, 0xB3]) { return "mpg" }
    if bytes.count > 188, bytes[0] == 0x47, bytes[188] == 0x47 { return "ts" }
    return nil
}
