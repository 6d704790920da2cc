"""Videos as PyAV decodes and scales them, and the views that an origin's test takes of them (views.py): nothing of ours."""

import contextlib
import io

import av
import numpy as np
import torch

import recipes

with contextlib.redirect_stdout(io.StringIO()):  # it prints its table when it is loaded
    import views

MEAN, DEVIATION = np.float32([recipes.MEAN] * 3), np.float32([recipes.DEVIATION] * 3)


def frames_of(container, stream):
    """Decoded frames, without the place of their chroma: PyAV's libswscale (FFmpeg 8) heeds it, older ones, and the
    `sws_getContext` of all, put chroma in the middle of its four pixels."""
    graph = av.filter.Graph()
    source, end = graph.add_buffer(template=stream), graph.add("buffersink")
    unsaid = graph.add("setparams", "chroma_location=unspecified")
    source.link_to(unsaid)
    unsaid.link_to(end)
    graph.configure()
    for frame in container.decode(stream):
        graph.push(frame)
        yield graph.pull()


class Video:
    def __init__(self, path):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            self.rate = float(stream.average_rate)
            self.ticks = stream.time_base.denominator
            self.seconds = float(stream.duration * stream.time_base) if stream.duration else 0.0
            self.frames = sorted(frames_of(container, stream), key=lambda frame: frame.pts)
        self.turns = round(getattr(self.frames[0], "rotation", 0) / 90) % 4
        shape = (self.frames[0].width, self.frames[0].height)
        self.width, self.height = shape[::-1] if self.turns % 2 else shape

    def scaled(self, numbers, width, height):
        """RGB of whole frames, turned as they are seen."""
        size = (height, width) if self.turns % 2 else (width, height)
        out = {}
        for number in sorted(set(numbers)):
            picture = self.frames[number].reformat(*size, "rgb24", interpolation="BILINEAR").to_ndarray()
            out[number] = np.rot90(picture, self.turns)
        return out

    def plan(self, case):
        case = dict(case, rate=self.rate, ticks=self.ticks, seconds=self.seconds, width=self.width, height=self.height)
        if case["protocol"].startswith("slowfast"):
            stamps = [frame.pts for frame in self.frames]
            clips = views.slowfast_frames(case, len(stamps), stamps)
        else:
            clips = views.frames_of[case["protocol"]](case, len(self.frames))
        if case.get("exact"):
            size = case["exact"]
        else:
            size = views.size_of(case)
        return clips, size, views.corners_of(case, *size)

    def batches(self, case):
        """The crops of one clip after the other, [crops, 3, T, H, W]."""
        clips, (width, height), corners = self.plan(case)
        pictures = self.scaled([frame for clip in clips for frame in clip], width, height)
        for clip in clips:
            batch = []
            for left, top, mirrored in corners:
                cut = [pictures[t][top : top + case["crop"], left : left + case["crop"]] for t in clip]
                cut = np.stack([picture[:, ::-1] if mirrored else picture for picture in cut])
                batch.append(((cut.astype(np.float32) - MEAN) / DEVIATION).transpose(3, 0, 1, 2))
            yield torch.from_numpy(np.ascontiguousarray(np.stack(batch)))
