namespace Gateway.Commands;

/// <summary>
/// A file that did not exist and that only its owner can read (0600), made before its content is known, so that a name
/// that cannot be written is found out in time. Without <see cref="Write"/> nothing of it is left.
/// </summary>
internal sealed class NewFile : IDisposable
{
    private readonly FileStream _stream;
    private bool _written;

    private NewFile(FileStream stream) => _stream = stream;

    public static NewFile Create(string path)
    {
        try
        {
            return new(new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
        }
        catch (IOException) when (Path.Exists(path))
        {
            throw CommandException.Refused($"{path} exists already", "nothing is overwritten: remove it, or choose another name");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(CommandLine.Failed, $"{path} cannot be written: {fault.Message}", "nothing was enrolled; choose another place", fault);
        }
    }

    public void Write(ReadOnlySpan<byte> content)
    {
        _stream.Write(content);
        _stream.Flush(flushToDisk: true);
        _written = true;
    }

    public void Dispose()
    {
        _stream.Dispose();
        if (!_written)
        {
            File.Delete(_stream.Name);
        }
    }
}
