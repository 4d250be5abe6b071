// A zip, perhaps behind other bytes -> its files: inference/web/src/formats/zip.js. Its entries are stored.

import Foundation

private let end = 0x0605_4b50
private let entry = 0x0201_4b50
private let local = 0x0403_4b50
private let endBytes = 22
private let longestComment = 0xffff

/// What the user can do something about.
struct InputError: LocalizedError {
    let errorDescription: String?

    init(_ message: String) { errorDescription = message }
}

/// Little-endian numbers in bytes; a place outside of them is an error.
struct Bytes {
    let data: [UInt8]

    func int(_ place: Int, _ count: Int) throws -> Int {
        guard place >= 0, place + count <= data.count else { throw damaged("it points outside the file") }
        return (0..<count).reduce(0) { $0 | Int(data[place + $1]) << (8 * $1) }
    }

    func slice(_ place: Int, _ count: Int) throws -> [UInt8] {
        guard place >= 0, count >= 0, count <= data.count - place else { throw damaged("it points outside the file") }
        return Array(data[place..<place + count])
    }
}

/// start: of the first entry, in the bytes that the zip was read from.
struct Zip {
    let start: Int
    let files: [String: [UInt8]]
}

/// Returns nil where there is no zip.
func readZip(_ data: [UInt8]) throws -> Zip? {
    let bytes = Bytes(data: data)
    let last = data.count - endBytes
    guard last >= 0 else { return nil }
    let places = stride(from: last, through: max(0, last - longestComment), by: -1)
    guard let place = try places.first(where: { try bytes.int($0, 4) == end }) else { return nil }
    return try readEntries(bytes, place)
}

private func readEntries(_ bytes: Bytes, _ endPlace: Int) throws -> Zip {
    var place = try endPlace - bytes.int(endPlace + 12, 4)  // the directory lies right before its end
    let shift = try place - bytes.int(endPlace + 16, 4)  // bytes before the zip that its offsets do not count
    var files: [String: [UInt8]] = [:]
    var start = bytes.data.count
    for _ in 0..<(try bytes.int(endPlace + 10, 2)) {
        guard try bytes.int(place, 4) == entry else { throw damaged("its directory is broken") }
        let header = try bytes.int(place + 42, 4) + shift
        let nameBytes = try bytes.int(place + 28, 2)
        let name = String(decoding: try bytes.slice(place + 46, nameBytes), as: UTF8.self)
        files[name] = try readStored(bytes, place, header, name)
        start = min(start, header)
        place += try 46 + nameBytes + bytes.int(place + 30, 2) + bytes.int(place + 32, 2)
    }
    return Zip(start: start, files: files)
}

private func readStored(_ bytes: Bytes, _ place: Int, _ header: Int, _ name: String) throws -> [UInt8] {
    guard try bytes.int(header, 4) == local else { throw damaged("\(name) is missing") }
    guard try bytes.int(place + 10, 2) == 0 else { throw damaged("\(name) is compressed") }
    let first = try header + 30 + bytes.int(header + 26, 2) + bytes.int(header + 28, 2)
    let content = try bytes.slice(first, bytes.int(place + 24, 4))
    guard try crc32(content) == bytes.int(place + 16, 4) else { throw damaged("\(name) has changed") }
    return content
}

private let crcTable: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? (value >> 1) ^ 0xedb8_8320 : value >> 1 }
}

private func crc32(_ data: [UInt8]) -> Int {
    Int(~data.reduce(UInt32.max) { crcTable[Int(($0 ^ UInt32($1)) & 255)] ^ ($0 >> 8) })
}

private func damaged(_ why: String) -> InputError {
    InputError("The files packed in the model are damaged: \(why). Copy or export the model again.")
}
