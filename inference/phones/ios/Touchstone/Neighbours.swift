// The similarity of a picture to training pictures, by which its confidence falls: inference/model/neighbours.py.

private let file = "neighbours.npz"
private let columns = [
    Column(name: "projection", dtype: "<f2", dimensions: 2),  // [features, dimensions]
    Column(name: "vectors", dtype: "|i1", dimensions: 2),  // [pictures, dimensions]
    Column(name: "classes", dtype: "<u2", dimensions: 1),
    Column(name: "scale", dtype: "<f8", dimensions: 1),  // count, middle, width, slope, offset
]

struct Neighbours {
    let projection: [Double]
    let vectors: [Double]
    let dimensions: Int
    let scale: [Double]

    /// Returns probabilities of which the best answer's is the confidence.
    func weighed(_ probabilities: [Double], _ features: [Double], _ answers: [Int]) -> [Double] {
        let best = mostProbable(probabilities, answers)
        let vector = project(features, projection, dimensions)
        let cosine = nthCosine(vector, vectors, vectors.count / dimensions, Int(scale[0]))
        let knnScore = (cosine - scale[1]) / scale[2]
        return weigh(probabilities, best, confidenceOf(probabilities[best], knnScore, scale[3], scale[4]))
    }
}

/// Returns nil where the model has none; outputs: the network's numbers of labels and features.
func readNeighbours(_ artefact: Artefact, _ card: Card, _ outputs: [Int]) throws -> Neighbours? {
    let found = artefact.files[file]
    if found == nil && card.decision == "softmax" { return nil }
    guard let data = found, outputs.count > 1 else { throw misfit(file) }
    let arrays = try readArrays(data, columns, file)
    let (projection, vectors, classes, scale) = (arrays[0], arrays[1], arrays[2].values, arrays[3].values)
    let (pictures, dimensions) = (vectors.shape[0], vectors.shape[1])
    guard scale.count == 5, pictures > 0, classes.count == pictures, projection.shape == [outputs[1], dimensions],
        classes.allSatisfy({ $0 < Double(outputs[0]) }), scale[0] >= 1, scale[0] <= Double(pictures),
        scale[2] > 0, scale[3] > 0
    else { throw misfit(file) }
    let unit = (0..<pictures).flatMap { unitVector(vectors.values, $0 * dimensions, dimensions) }
    return Neighbours(projection: projection.values, vectors: unit, dimensions: dimensions, scale: scale)
}
