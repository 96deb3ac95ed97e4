using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Enrolment;

/// <summary>A new member's account on the homeserver: the intent first, then the account, and nothing left of it where there was none to be had.</summary>
public sealed class AccountMaker(StateWriter writer, Homeserver homeserver, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _oneAtATime = new(1);

    /// <summary>Null where the member has an account now; else why not.</summary>
    public async Task<Refusal?> EnsureAsync(Localpart localpart, EnrolRequest request, CancellationToken cancellationToken)
    {
        if (writer.Current.Members.TryGetValue(localpart, out var known) && known.State == MemberState.Active)
        {
            return request.Adopt ? new(RefusalKind.Conflict, $"'{localpart}' is a member already", "leave --adopt out") : null;
        }

        // One at a time: two enrolments of one new name would take each other for a stranger.
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            return await AddMemberAsync(localpart, request, cancellationToken);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private async Task<Refusal?> AddMemberAsync(Localpart localpart, EnrolRequest request, CancellationToken cancellationToken)
    {
        var known = writer.Current.Members.GetValueOrDefault(localpart);
        if (known?.State == MemberState.Active)
        {
            return null;
        }

        // An account that we asked for and never heard of may exist: then it is ours. So is the drill's, from before a restore.
        var mayBeOurs = known?.State == MemberState.AccountAsked || request.IsDrill;
        writer.Write(new MemberAdded(localpart, request.DisplayName, request.Adopt) { At = time.GetUtcNow() });
        Refusal? refusal;
        try
        {
            refusal = await MakeAccountAsync(localpart, request, mayBeOurs, cancellationToken);
        }
        catch (HomeserverException e) when (e.Happened)
        {
            // Perhaps it was made. The member stays asked for, without a device: the next enrolment finds out.
            return new(RefusalKind.Unavailable, $"the account was not confirmed: {e.Message}", "try again when the homeserver answers (gateway status)");
        }
        catch (HomeserverException e)
        {
            refusal = new(RefusalKind.Unavailable, $"the account could not be made: {e.Message}", "nothing was created; try again when the homeserver answers (gateway status)");
        }

        if (refusal is null)
        {
            writer.Write(new AccountMade(localpart) { At = time.GetUtcNow() });
        }
        else if (!mayBeOurs)
        {
            writer.Write(new MemberDropped(localpart) { At = time.GetUtcNow() });
        }

        return refusal;
    }

    private async Task<Refusal?> MakeAccountAsync(Localpart localpart, EnrolRequest request, bool mayBeOurs, CancellationToken cancellationToken)
    {
        var made = await homeserver.RegisterAsync(localpart, cancellationToken);
        if (request.Adopt)
        {
            if (await homeserver.IsAdminAsync(localpart, cancellationToken))
            {
                return new(RefusalKind.Conflict, $"'{localpart}' is an administrator of the homeserver", "give that person a second account for chatting");
            }
        }
        else if (!made && !(mayBeOurs && await LooksUnusedAsync(localpart, cancellationToken)))
        {
            return new(
                RefusalKind.Conflict,
                $"the homeserver already has an account '{localpart}'",
                request.IsDrill ? "somebody uses it, and that is not the gateway: end its sessions on the homeserver" : "choose another name, or add --adopt if the account is this person's own");
        }

        if (made && request.DisplayName is { Length: > 0 } displayName)
        {
            await homeserver.SetDisplayNameAsync(localpart, displayName, cancellationToken);
        }
        else if (made && !request.IsDrill)
        {
            await ListAsync(localpart, cancellationToken);
        }

        return null;
    }

    /// <summary>
    /// Names the account as it is named anyway: Synapse lists an application service's accounts only once they were named, and
    /// colleagues would look for this one in vain. An account that is not listed is an account all the same.
    /// </summary>
    private async Task ListAsync(Localpart localpart, CancellationToken cancellationToken)
    {
        try
        {
            await homeserver.SetDisplayNameAsync(localpart, localpart.ToString(), cancellationToken);
        }
        catch (HomeserverException)
        {
            // gateway rename lists it too.
        }
    }

    /// <summary>What we may have made ourselves a while ago has no session and no rights; anything else is somebody's.</summary>
    private async Task<bool> LooksUnusedAsync(Localpart localpart, CancellationToken cancellationToken) =>
        (await homeserver.SessionsAsync(localpart, cancellationToken)).Count == 0
        && !await homeserver.IsAdminAsync(localpart, cancellationToken);

    public void Dispose() => _oneAtATime.Dispose();
}
