namespace Gateway.Tunnel;

/// <summary>
/// Remembers that the interface has its key and port, so that nobody reads all its peers to look at these two. Each dump
/// shows them anyway: where somebody changed them, the next pass puts them right.
/// </summary>
internal sealed class SettledInterface
{
    private (uint Link, InterfaceSettings Settings)? _known;

    public bool Is(InterfaceSettings settings, uint link) => _known is { } known && known.Link == link && ReferenceEquals(known.Settings, settings);

    public void Put(InterfaceSettings settings, uint link) => _known = (link, settings);

    public void Saw(InterfaceDump dump) => _known = _known is { } known && dump.Matches(known.Settings) ? known : null;
}
