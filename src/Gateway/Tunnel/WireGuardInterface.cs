using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Tunnel;

/// <summary>The interface as the program uses it: userspace's socket where our link has one that answers, else <c>wg</c>.</summary>
internal sealed class WireGuardInterface(NetworkLink link) : IWireGuardInterface
{
    private readonly WgTool _tool = new(link);
    private readonly UserspaceSocket _socket = new(link);

    public async Task<bool> EnsureAsync(InterfaceSettings settings, CancellationToken cancellationToken)
    {
        // The link first: only then does it show who answers for it.
        var made = await link.EnsureAsync(settings, cancellationToken);
        var current = await CurrentAsync(cancellationToken);
        return await current.EnsureAsync(settings, cancellationToken) || made;
    }

    public async Task<IReadOnlyList<Peer>> DumpAsync(CancellationToken cancellationToken) =>
        await (await CurrentAsync(cancellationToken)).DumpAsync(cancellationToken);

    public async Task SetAsync(IReadOnlyList<DesiredPeer> peers, CancellationToken cancellationToken) =>
        await (await CurrentAsync(cancellationToken)).SetAsync(peers, cancellationToken);

    public async Task RemoveAsync(PublicKey peer, CancellationToken cancellationToken) =>
        await (await CurrentAsync(cancellationToken)).RemoveAsync(peer, cancellationToken);

    private async Task<IWireGuardInterface> CurrentAsync(CancellationToken cancellationToken) =>
        link.Index != 0 && await UserspaceSocket.AnswersAsync(link.Name, cancellationToken) ? _socket : _tool;
}
