// A .tflite that names classes -> answers for pictures: inference/model/classifier.py.

import Foundation

private let digits = 1e6  // six behind the point

/// confidence belongs to the best label even where that was rejected.
struct Answer {
    let result: String
    let confidence: Double
}

final class Classifier {
    let card: Card
    private let network: Network
    private let neighbours: Neighbours?

    /// Throws InputError for a file that this app can't answer, or answers otherwise than where it was exported.
    init(path: String) throws {
        let artefact = try splitArtefact([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
        card = try readCard(artefact)
        network = try Network(path: path)
        guard network.height == card.height, network.width == card.width, network.outputs[0] == card.labels.count else {
            throw InputError("The model's card and network differ in size or labels. Export the model again.")
        }
        neighbours = try readNeighbours(artefact, card, network.outputs)
        if let vectors = try readVectors(artefact), try !agrees(network, vectors) {
            throw InputError("The network gives other answers on this phone than where it was exported.")
        }
    }

    /// Answers for an upright picture: RGB [height, width, 3].
    func classify(_ pixels: [Int], _ width: Int, _ height: Int) throws -> Answer {
        let (probabilities, features) = try network.look(resize(pixels, width, height, card.width, card.height))
        guard probabilities.allSatisfy(\.isFinite) else {
            throw InputError("The network overflows. Export the model again.")
        }
        return decide(neighbours?.weighed(probabilities, features, card.answers) ?? probabilities, card)
    }
}

/// Answers by probabilities [labels]: inference/model/decide.py.
func decide(_ probabilities: [Double], _ card: Card) -> Answer {
    let best = mostProbable(probabilities, card.answers)
    let confidence = min(max(probabilities[best], 0), 1)
    let result = confidence >= card.threshold ? card.labels[best] : unknown
    return Answer(result: result, confidence: (confidence * digits).rounded() / digits)
}
