#!/usr/bin/env python3
"""Compares points for Winograd's convolutions F(4, 3) and F(4, 2) by the error that they leave in f32.

Points are 0, +-a, +-b and infinity; for two taps, which is what a stride of two makes of three, +-a, +-b and infinity. The
model is one layer of 64 channels, tile by tile: inputs as behind a ReLU, weights of 3x3 or 2x2 taps, each operation rounded to f32; the truth is the direct sum in f64. Printed are, for each pair, the relative
error of the outputs (root of the mean squares) and of one channel's weight gradient (largest difference over the largest
value), the best forward error first. The model multiplies and adds apart, the kernels fuse: the order of the pairs is what
counts. docs/numerics.md says what was chosen. Needs numpy. Usage: scripts/winograd-points.py [TILES]
"""
import sys

import numpy as np

F32, F64 = np.float32, np.float64
CHANNELS = 64
PAIRS = [
    (1, 2), (1, 0.5), (0.5, 1.5), (0.75, 1.5), (2**-0.5, 2**0.5), (0.6, 1.3), (0.7, 1.6), (0.5, 1.25), (0.625, 1.25),
    (0.75, 1.25), (0.5, 1), (2 / 3, 4 / 3), (0.75, 1.75), (0.625, 1.5), (0.5, 2),
]
PAIRS_OF_TWO_TAPS = [
    (1, 2), (0.5, 1), (0.5, 1.25), (0.5, 1.5), (0.375, 1.25), (0.625, 1.25), (0.4375, 1.1875), (0.5, 1.375),
]


def matrices(a, b):
    """B transposed (6x6), G (6x3) and A transposed (4x6): y = At ((G g) * (Bt x))."""
    points = [0, a, -a, b, -b]
    aa, bb = a * a, b * b
    Bt = np.array([
        [aa * bb, 0, -(aa + bb), 0, 1, 0],
        [0, -a * bb, -bb, a, 1, 0],
        [0, a * bb, -bb, -a, 1, 0],
        [0, -b * aa, -aa, b, 1, 0],
        [0, b * aa, -aa, -b, 1, 0],
        [0, aa * bb, 0, -(aa + bb), 0, 1],
    ])
    scale = [aa * bb] + 2 * [2 * aa * (aa - bb)] + 2 * [2 * bb * (bb - aa)]
    G = np.array([[1 / s, p / s, p * p / s] for p, s in zip(points, scale)] + [[0, 0, 1]])
    At = np.array([[p**i for p in points] + [0] for i in range(4)])
    At[3, 5] = 1
    return Bt, G, At


def matrices_of_two_taps(a, b):
    """The same for two taps: 5x5, 5x2 and 4x5."""
    points = [a, -a, b, -b]
    aa, bb = a * a, b * b
    Bt = np.array([
        [-a * bb, -bb, a, 1, 0],
        [a * bb, -bb, -a, 1, 0],
        [-b * aa, -aa, b, 1, 0],
        [b * aa, -aa, -b, 1, 0],
        [aa * bb, 0, -(aa + bb), 0, 1],
    ])
    scale = [2 * a * (aa - bb), -2 * a * (aa - bb), 2 * b * (bb - aa), -2 * b * (bb - aa)]
    G = np.array([[1 / s, p / s] for p, s in zip(points, scale)] + [[0, 1]])
    At = np.array([[p**i for p in points] + [0] for i in range(4)])
    At[3, 4] = 1
    return Bt, G, At


def both_sides(M, x):
    """M x Mt for each x, rounded after each of the two products."""
    half = np.einsum("ij,...jk->...ik", M, x).astype(F32)
    return np.einsum("...ik,lk->...il", half, M).astype(F32)


class Layer:
    """Tiles with their inputs, weights and gradients, and what a direct convolution in f64 makes of them."""

    def __init__(self, tiles, taps):
        random = np.random.default_rng(0)
        self.tiles = tiles
        self.points = 3 + taps
        self.x = np.maximum(random.standard_normal((tiles, CHANNELS, self.points, self.points)), 0).astype(F32)
        self.g = (random.standard_normal((tiles, CHANNELS, taps, taps)) * 0.05).astype(F32)
        self.dy = random.standard_normal((tiles, 4, 4)).astype(F32)
        self.y = np.zeros((tiles, 4, 4))
        self.dg = np.zeros((taps, taps))
        for i in range(taps):
            for j in range(taps):
                seen = self.x[:, :, i:i + 4, j:j + 4].astype(F64)
                self.y += np.einsum("nchw,nc->nhw", seen, self.g[:, :, i, j].astype(F64))
                self.dg[i, j] = (seen[:, 0] * self.dy).sum()

    def errors(self, Bt, G, At):
        # Weights and their gradients are transformed with f64 coefficients: once, not for each tile.
        weights = np.einsum("ij,...jk,lk->...il", G, self.g.astype(F64), G).astype(F32)
        inputs = both_sides(Bt.astype(F32), self.x)
        products = np.zeros((self.tiles, self.points, self.points), F32)
        for c in range(CHANNELS):
            products = (products + weights[:, c] * inputs[:, c]).astype(F32)
        y = both_sides(At.astype(F32), products)
        forward = np.sqrt(((y - self.y)**2).mean() / (self.y**2).mean())

        gradients = np.einsum("ji,njk,kl->nil", At.astype(F32), self.dy, At.astype(F32)).astype(F32)
        sums = np.zeros((self.points, self.points), F32)
        for n in range(self.tiles):
            sums = (sums + inputs[n, 0] * gradients[n]).astype(F32)
        dg = np.einsum("ji,jk,kl->il", G, sums.astype(F64), G)
        return forward, np.abs(dg - self.dg).max() / np.abs(self.dg).max()


def main():
    tiles = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    for taps, pairs, make in [(3, PAIRS, matrices), (2, PAIRS_OF_TWO_TAPS, matrices_of_two_taps)]:
        layer = Layer(tiles, taps)
        print(f"{taps} taps\n{'a':>7} {'b':>7}   forward   weight gradient")
        rows = sorted((layer.errors(*make(a, b)), a, b) for a, b in pairs)
        for (forward, backward), a, b in rows:
            print(f"{a:7.4f} {b:7.4f}   {forward:.2e}  {backward:.2e}")


if __name__ == "__main__":
    main()
