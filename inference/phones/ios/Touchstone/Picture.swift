// A picture's file -> its upright RGB pixels over white, by the rules of inference/pictures/image_io.py.

import CoreGraphics
import Foundation
import ImageIO

/// pixels: RGB [height, width, 3].
struct Picture {
    let pixels: [Int]
    let width: Int
    let height: Int
}

/// A large JPEG is decoded at a reduced size, as by the runner; card: of the model that is to see the picture.
func decodePicture(_ data: Data, _ card: Card) throws -> Picture {
    guard let source = CGImageSourceCreateWithData(data as CFData, nil),
        let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
        let width = properties[kCGImagePropertyPixelWidth] as? Int,
        let height = properties[kCGImagePropertyPixelHeight] as? Int
    else { throw InputError("This is no picture that the phone can read.") }
    let orientation = properties[kCGImagePropertyOrientation] as? Int ?? 1
    let isTurned = orientation >= 5
    var factor = 1
    if CGImageSourceGetType(source) as String? == "public.jpeg" {
        factor = reductionTo(isTurned ? height : width, isTurned ? width : height, card.width, card.height)
    }
    let options = [kCGImageSourceSubsampleFactor: factor] as CFDictionary
    guard let image = CGImageSourceCreateImageAtIndex(source, 0, options) else {
        throw InputError("The picture is damaged.")
    }
    let pixels = upright(overWhite(try rgba(image)), image.width, image.height, orientation)
    return Picture(
        pixels: pixels, width: isTurned ? image.height : image.width, height: isTurned ? image.width : image.height
    )
}

/// Returns RGBA as it is stored, without a conversion of colours, multiplied with alpha.
private func rgba(_ image: CGImage) throws -> [Int] {
    var space = CGColorSpace(name: CGColorSpace.sRGB)!
    if let own = image.colorSpace, own.model == .rgb, own.supportsOutput { space = own }
    var bytes = [UInt8](repeating: 0, count: image.width * image.height * 4)
    let isDrawn = bytes.withUnsafeMutableBytes { buffer -> Bool in
        let context = CGContext(
            data: buffer.baseAddress, width: image.width, height: image.height, bitsPerComponent: 8,
            bytesPerRow: image.width * 4, space: space, bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue
        )
        context?.draw(image, in: CGRect(x: 0, y: 0, width: image.width, height: image.height))
        return context != nil
    }
    guard isDrawn else { throw InputError("The picture has colours that the phone can't read.") }
    return bytes.map { Int($0) }
}
