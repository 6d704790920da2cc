"""The recipe that several peers' programs give to zoetrope for a network that they made: its clips, and nothing to train."""

MEAN, DEVIATION = 114.75, 57.375  # of each channel


def recipe(name, classes, *, frames, sampling, crop, width, height, protocol=None):
    text = f"""
[model]
name = "{name}"
classes = {classes}
[input]
frames = {frames}
sampling_rate = {sampling}
crop = {crop}
width = {width}
height = {height}
mean = [{MEAN}, {MEAN}, {MEAN}]
deviation = [{DEVIATION}, {DEVIATION}, {DEVIATION}]
[optimizer]
learning_rate = 0.1
[schedule]
steps = 1
"""
    return text if protocol is None else text + f'[test]\nprotocol = "{protocol}"\n'
