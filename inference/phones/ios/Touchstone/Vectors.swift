// Test vectors behind a network -> does it give the scores here that it gave when it was exported? inference/verify/.

private let file = "vectors.npz"
private let runs = 2  // a buffer that keeps what was in it is right the first time
private let columns = [
    Column(name: "pictures", dtype: "|u1", dimensions: 4),
    Column(name: "scores", dtype: "<f4", dimensions: 2),
    Column(name: "tolerances", dtype: "<f8", dimensions: 1),
]

/// pictures: RGB [side, side, 3]; scores: the network's probabilities for each, where it was exported.
struct Vectors {
    let pictures: [[Int]]
    let side: Int
    let scores: [[Double]]
    let tolerance: Double
}

/// Returns nil for a file of an earlier version, which has none.
func readVectors(_ artefact: Artefact) throws -> Vectors? {
    guard let data = artefact.files[file] else { return nil }
    let arrays = try readArrays(data, columns, file)
    let shape = arrays[0].shape
    guard shape[0] > 0, shape[1] == shape[2], shape[3] == 3, arrays[1].shape[0] == shape[0],
        let tolerance = arrays[2].values.first
    else { throw misfit(file) }
    return Vectors(
        pictures: rows(arrays[0].values, shape[0]).map { $0.map { Int($0) } },
        side: shape[1],
        scores: rows(arrays[1].values, shape[0]),
        tolerance: tolerance
    )
}

/// Tells whether the network's scores are those of the export, the first and the second time.
func agrees(_ network: Network, _ vectors: Vectors) throws -> Bool {
    for _ in 0..<runs {
        for (picture, expected) in zip(vectors.pictures, vectors.scores) {
            let scores = try network.look(enlarge(picture, vectors.side, network.height, network.width)).probabilities
            guard scores.count == expected.count else { return false }
            guard zip(scores, expected).allSatisfy({ abs($0 - $1) <= vectors.tolerance }) else { return false }
        }
    }
    return true
}

private func rows(_ values: [Double], _ count: Int) -> [[Double]] {
    let length = values.count / count
    return (0..<count).map { Array(values[$0 * length..<($0 + 1) * length]) }
}
