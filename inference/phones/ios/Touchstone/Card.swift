// card.json -> what the app must know of a model, checked as inference/model/card.py does.

import CryptoKit
import Foundation

let unknown = "unknown"
private let name = "card.json"
private let format = 1
private let again = "Export the model again."

/// answers: numbers of the labels that an answer can give. The temperature is part of the network.
struct Card {
    let labels: [String]
    let answers: [Int]
    let height: Int
    let width: Int
    let decision: String
    let threshold: Double
}

/// A model's file taken apart; files: what is packed behind the flatbuffer, by name.
struct Artefact {
    let flatbuffer: [UInt8]
    let files: [String: [UInt8]]
}

func splitArtefact(_ data: [UInt8]) throws -> Artefact {
    guard data.count >= 8, String(decoding: data[4..<8], as: UTF8.self) == "TFL3" else {
        throw InputError("This is no TFLite model. Give the .tflite file that export wrote.")
    }
    guard let zip = try readZip(data) else { return Artefact(flatbuffer: data, files: [:]) }
    return Artefact(flatbuffer: Array(data[..<zip.start]), files: zip.files)
}

/// The fields of card.json that the app reads.
private struct Stored: Decodable {
    let format: Int
    let labels: [String]
    let reject_labels: [String]
    let enrolled: [String]?
    let input_size: [Int]
    let decision: String
    let threshold: Double
    let resize: String?
    let flatbuffer_sha256: String
}

func readCard(_ artefact: Artefact) throws -> Card {
    guard let data = artefact.files[name] else {
        throw InputError("The model carries no \(name). Give a .tflite that export wrote.")
    }
    guard let stored = try? JSONDecoder().decode(Stored.self, from: Data(data)) else {
        throw InputError("\(name) is damaged. \(again)")
    }
    try checkKind(stored)
    try checkValues(stored)
    guard sha256(artefact.flatbuffer) == stored.flatbuffer_sha256 else {
        throw InputError("The model's card belongs to another network. \(again)")
    }
    return Card(
        labels: stored.labels,
        answers: stored.labels.indices.filter { !stored.reject_labels.contains(stored.labels[$0]) },
        height: stored.input_size[0],
        width: stored.input_size[1],
        decision: stored.decision,
        threshold: stored.threshold
    )
}

/// Refuses what this app can't answer.
private func checkKind(_ card: Stored) throws {
    guard card.format == format else { throw InputError("\(name) must have format \(format). Update the app.") }
    if card.decision == "anomaly" {
        throw InputError("This model finds anomalies; this app names classes. Use the page: serve MODEL, docs/phone.md.")
    }
    guard ["softmax", "neighbours"].contains(card.decision) else {
        throw InputError("Unknown decision: \(card.decision). Update the app.")
    }
    guard (card.enrolled ?? []).isEmpty else {
        throw InputError("Classes were added to this model by enroll, which this app can't answer. Use the page, or train.")
    }
    guard card.resize ?? "stretch" == "stretch" else { throw InputError("\(name): resize must be stretch. \(again)") }
}

private func checkValues(_ card: Stored) throws {
    let labels = Set(card.labels)
    let rejected = Set(card.reject_labels)
    let fine =
        labels.count == card.labels.count && rejected.isSubset(of: labels) && rejected.count < labels.count
        && (rejected.contains(unknown) || !labels.contains(unknown))
        && card.input_size.count == 2 && card.input_size.allSatisfy { $0 > 0 } && (0...1).contains(card.threshold)
    guard fine else { throw InputError("\(name): labels, input_size or threshold can't be right. \(again)") }
}

private func sha256(_ data: [UInt8]) -> String {
    SHA256.hash(data: Data(data)).map { String(format: "%02x", $0) }.joined()
}
