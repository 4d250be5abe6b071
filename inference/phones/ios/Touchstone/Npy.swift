// The bytes of a .npz packed behind a network -> its arrays: inference/web/src/formats/npy.js and array_file.js.

import Foundation

/// values: row by row.
struct NpyArray {
    let dtype: String
    let shape: [Int]
    let values: [Double]
}

/// What an array of a file must be.
struct Column {
    let name: String
    let dtype: String
    let dimensions: Int
}

private let sizes = ["<f2": 2, "<f4": 4, "<f8": 8, "|i1": 1, "|u1": 1, "<u2": 2]

/// Returns the arrays of a .npz in the order of the columns.
func readArrays(_ data: [UInt8], _ columns: [Column], _ file: String) throws -> [NpyArray] {
    guard let packed = try readZip(data)?.files else {
        throw InputError("\(file) is damaged: it is no .npz. Export the model again.")
    }
    return try columns.map { column in
        guard let content = packed["\(column.name).npy"] else { throw misfit(file) }
        let array = try readNpy(content, file)
        guard array.dtype == column.dtype, array.shape.count == column.dimensions,
            array.values.allSatisfy(\.isFinite)
        else { throw misfit(file) }
        return array
    }
}

func misfit(_ file: String) -> InputError {
    InputError("\(file) does not fit the network. Export the model again.")
}

private func readNpy(_ data: [UInt8], _ file: String) throws -> NpyArray {
    let bytes = Bytes(data: data)
    let isLong = try bytes.int(6, 1) > 1  // version 2 has four bytes for the header's length
    let begin = isLong ? 12 : 10
    let end = try begin + bytes.int(8, isLong ? 4 : 2)
    let header = String(decoding: try bytes.slice(begin, end - begin), as: UTF8.self)
    let dtype = between("'descr': '", "'", header)
    let shape = between("'shape': (", ")", header).split(separator: ",")
        .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    guard let size = sizes[dtype] else { throw misfit(file) }
    let count = shape.reduce(1, *)
    guard data.count - end == count * size else { throw misfit(file) }
    let values = try (0..<count).map { try read(bytes, end + $0 * size, dtype) }
    let byColumns = header.contains("'fortran_order': True") && shape.count > 1
    guard !byColumns || shape.count == 2 else { throw misfit(file) }
    return NpyArray(dtype: dtype, shape: shape, values: byColumns ? byRows(values, shape[0], shape[1]) : values)
}

private func between(_ before: String, _ after: String, _ text: String) -> String {
    guard let start = text.range(of: before), let end = text[start.upperBound...].range(of: after) else { return "" }
    return String(text[start.upperBound..<end.lowerBound])
}

private func read(_ bytes: Bytes, _ place: Int, _ dtype: String) throws -> Double {
    switch dtype {
    case "<f2": return halfToNumber(try bytes.int(place, 2))
    case "<f4": return Double(Float(bitPattern: UInt32(try bytes.int(place, 4))))
    case "<f8": return Double(bitPattern: UInt64(bitPattern: Int64(try bytes.int(place, 8))))
    case "|i1": return Double(Int8(bitPattern: UInt8(try bytes.int(place, 1))))
    case "|u1": return Double(try bytes.int(place, 1))
    default: return Double(try bytes.int(place, 2))
    }
}

private func byRows(_ values: [Double], _ rows: Int, _ columns: Int) -> [Double] {
    values.indices.map { values[$0 % columns * rows + $0 / columns] }
}
