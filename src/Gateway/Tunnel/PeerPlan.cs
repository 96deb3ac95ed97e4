using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Tunnel;

/// <summary>The desired peers of the current state, listed anew only when the state has changed.</summary>
internal sealed class PeerPlan(StateWriter writer)
{
    private volatile DesiredPeers? _last;

    public DesiredPeers Current()
    {
        var state = writer.Current;
        if (_last is { } last && last.Generation == state.Generation)
        {
            return last;
        }

        var plan = state.DesiredPeers();
        _last = plan;
        return plan;
    }
}
