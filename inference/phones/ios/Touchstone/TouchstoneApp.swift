// The only screen: a button, the chosen picture, and its answer. Pictures never leave the phone.

import PhotosUI
import SwiftUI

@main
struct TouchstoneApp: App {
    var body: some Scene {
        WindowGroup { ContentView() }
    }
}

/// Loads model.tflite of the app's bundle, and answers one picture after the other.
actor Worker {
    private var classifier: Classifier?

    func load() throws -> String {
        guard let path = Bundle.main.path(forResource: "model", ofType: "tflite") else {
            throw InputError("There is no model.tflite in the app.")
        }
        let loaded = try Classifier(path: path)
        classifier = loaded
        return "Choose a picture of one of: " + loaded.card.answers.map { loaded.card.labels[$0] }.joined(separator: ", ")
    }

    func answer(_ data: Data) throws -> String {
        guard let classifier else { throw InputError("There is no model.") }
        let picture = try decodePicture(data, classifier.card)
        let answer = try classifier.classify(picture.pixels, picture.width, picture.height)
        return String(format: "%@  %.0f %%", answer.result, 100 * answer.confidence)
    }
}

struct ContentView: View {
    @State private var worker = Worker()
    @State private var words = "loading the model ..."
    @State private var isReady = false
    @State private var chosen: PhotosPickerItem?
    @State private var image: UIImage?

    var body: some View {
        VStack(spacing: 24) {
            PhotosPicker("Choose a picture", selection: $chosen, matching: .images).disabled(!isReady)
            if let image { Image(uiImage: image).resizable().scaledToFit() }
            Text(words).font(.title2)
        }
        .padding()
        .task { isReady = await say { try await worker.load() } }
        .onChange(of: chosen) { item in Task { await show(item) } }
    }

    @MainActor
    private func show(_ item: PhotosPickerItem?) async {
        guard let item else { return }
        await say {
            guard let data = try await item.loadTransferable(type: Data.self) else {
                throw InputError("The picture can't be read.")
            }
            image = UIImage(data: data)
            return try await worker.answer(data)
        }
    }

    /// Shows what is computed, or what was wrong; returns whether it succeeded.
    @MainActor
    @discardableResult
    private func say(_ compute: @MainActor () async throws -> String) async -> Bool {
        do {
            words = try await compute()
            return true
        } catch {
            words = error.localizedDescription
            return false
        }
    }
}
