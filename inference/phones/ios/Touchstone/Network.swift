// A flatbuffer -> a function from pixels to probabilities, by LiteRT's Interpreter (TensorFlowLiteSwift).

import Foundation
import TensorFlowLite

final class Network {
    let height: Int
    let width: Int
    let outputs: [Int]  // numbers of labels and, where there is a second output, of features
    private let interpreter: Interpreter

    /// path: of the model; what is packed behind its flatbuffer does not disturb LiteRT.
    init(path: String) throws {
        var options = Interpreter.Options()
        options.threadCount = 1  // a picture takes these networks a millisecond or two
        let loaded = try Interpreter(modelPath: path, options: options)
        try loaded.allocateTensors()
        let shape = try loaded.input(at: 0).shape.dimensions  // [1, height, width, 3]
        height = shape[1]
        width = shape[2]
        outputs = try (0..<loaded.outputTensorCount).map { try loaded.output(at: $0).shape.dimensions[1] }
        interpreter = loaded
    }

    /// Returns probabilities [labels] and features [features] for RGB [height, width, 3], 0 to 255, unscaled.
    func look(_ pixels: [Int]) throws -> (probabilities: [Double], features: [Double]) {
        try interpreter.copy(Data(pixels.map { UInt8($0) }), toInputAt: 0)  // uint8: red, green, blue
        try interpreter.invoke()
        let features = try outputs.count > 1 ? numbers(1) : []
        return (try numbers(0), features)
    }

    private func numbers(_ output: Int) throws -> [Double] {
        try interpreter.output(at: output).data.withUnsafeBytes { $0.bindMemory(to: Float32.self).map { Double($0) } }
    }
}
