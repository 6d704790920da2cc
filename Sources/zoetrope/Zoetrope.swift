import ArgumentParser

@main
struct Zoetrope: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zoetrope", abstract: "Trains and tests video action-recognition networks on clusters of CPUs.")
}
