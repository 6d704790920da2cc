import Foundation
import Glibc
import Storage

/// A program in yt-dlp's place that does what a plan says for each video and each call; a video that is in `bin` as ID.mp4 it
/// gives out whatever the plan.
final class FakeDownloader {
    let folder: String
    private let isOwn: Bool
    var program: String { folder + "/bin/yt-dlp" }

    /// - Parameter folder: gets a folder `bin`; without it, one whose name is hard on templates, removed in the end.
    init(in folder: String? = nil) throws {
        isOwn = folder == nil
        self.folder =
            folder ?? NSTemporaryDirectory() + "crawl 100%s-\(getpid())-\(UInt32.random(in: 0...(.max)))"
        let folder = self.folder
        try makeDirectories(folder + "/bin/plan")
        try makeDirectories(folder + "/bin/count")
        let script = #"""
            #!/bin/sh
            here=$(dirname "$0")
            template=; last=
            for word in "$@"; do
                [ "$previous" = --output ] && template=$word
                previous=$word; last=$word
            done
            id=${last##*watch?v=}
            folder=$(printf '%s' "${template%/video.*}" | sed 's/%%/%/g')
            printf '%s\n' "$@" > "$here/arguments-$id"
            echo call >> "$here/count/$id"
            calls=$(wc -l < "$here/count/$id")
            step=$(sed -n "${calls}p" "$here/plan/$id" 2>/dev/null)
            if [ -e "$here/$id.mp4" ]; then cp "$here/$id.mp4" "$folder/video.mp4"; echo duration=3; exit; fi
            case "$step" in
            ''|good) printf 'video %s' "$id" > "$folder/video.mp4"; echo duration=30.5 ;;
            webm) printf 'video %s' "$id" > "$folder/video.webm"; echo duration=NA ;;
            short) printf 'video %s' "$id" > "$folder/video.mp4"; echo duration=5 ;;
            page) printf '<html>' > "$folder/video.mp4" ;;
            nothing) ;;
            two) touch "$folder/video.mp4" "$folder/video.webm" ;;
            hang) printf half > "$folder/video.mp4"; sleep 600 & sleep 600 ;;
            *) printf half > "$folder/video.mp4.part"; echo "WARNING: a word" >&2; echo "$step" >&2; exit 1 ;;
            esac
            """#
        try writeWhole(script, to: program)
        chmod(program, 0o755)
    }

    deinit { if isOwn { try? removeTree(folder) } }

    /// - Parameter steps: what each call does, the first one first; later ones give the video.
    func plan(_ id: String, _ steps: String...) throws {
        try writeWhole(steps.joined(separator: "\n") + "\n", to: folder + "/bin/plan/" + id)
    }

    func calls(_ id: String) -> Int {
        (try? readWhole(folder + "/bin/count/" + id))?.count { $0 == UInt8(ascii: "\n") } ?? 0
    }

    func arguments(_ id: String) throws -> [String] {
        String(decoding: try readWhole(folder + "/bin/arguments-" + id), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }
}
