using System.Collections.Immutable;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Enrolment;

/// <summary>
/// An account that was made for an enrolment which nobody used is locked on the homeserver, until the next enrolment. The
/// wish is stored first and repeated until the homeserver has confirmed it; without the admin account it stays a wish.
/// </summary>
public sealed partial class AccountLocks(StateWriter writer, HomeserverAdmin admin, TimeProvider time, ILogger<AccountLocks> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    /// <summary>Far longer than from an account to its device; whoever is slower finds the account locked and unlocks it.</summary>
    private static readonly TimeSpan EnrolmentTakes = TimeSpan.FromMinutes(5);

    /// <summary>What the homeserver is asked last is what holds: one after the other.</summary>
    private readonly SemaphoreSlim _oneAtATime = new(1);

    /// <summary>What else follows where this enrolment ends: the lock of an account that nobody ever used, and nobody is about to.</summary>
    public static ImmutableArray<Intent> AfterEndOf(State state, Device ended, DateTimeOffset now) =>
        state.Members.GetValueOrDefault(ended.Member) is { } member && IsForNobody(state, member, besides: ended)
            ? [new AccountLockAsked(ended.Member, Locked: true) { At = now }]
            : [];

    /// <summary>Before a QR is shown. Null where the account is open; else why it is not.</summary>
    public async Task<Refusal?> UnlockAsync(Localpart localpart, CancellationToken cancellationToken)
    {
        if (writer.Current.Members.GetValueOrDefault(localpart)?.Lock is not ({ Locked: true } or { Confirmed: false }))
        {
            return null;
        }

        writer.Write(new AccountLockAsked(localpart, Locked: false) { At = time.GetUtcNow() });
        try
        {
            await CarryOutAsync(localpart, cancellationToken);
            return null;
        }
        catch (HomeserverException e)
        {
            return new(RefusalKind.Unavailable, $"the account of '{localpart}' is locked and could not be unlocked: {e.Message}", "try again when the homeserver answers (gateway status)");
        }
    }

    /// <summary>One pass over all wishes that are not confirmed.</summary>
    public async Task WorkOnceAsync(CancellationToken cancellationToken)
    {
        LockForgotten();
        foreach (var member in writer.Current.Members.Values.Where(member => member.Lock is { Confirmed: false }))
        {
            try
            {
                await CarryOutAsync(member.Localpart, cancellationToken);
            }
            catch (HomeserverException e)
            {
                Later(member.Localpart, e.Message);
            }
        }
    }

    public override void Dispose()
    {
        _oneAtATime.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await WorkOnceAsync(stoppingToken);
            }
            catch (StoreException e)
            {
                StoreFailed(e.Message);
            }
        }
    }

    /// <summary>Made or unlocked for an enrolment that came to nothing before there was a device: a refusal, a fault, a crash.</summary>
    private void LockForgotten()
    {
        var now = time.GetUtcNow();
        foreach (var member in writer.Current.Members.Values.Where(member => IsForgotten(writer.Current, member, now)))
        {
            writer.Write<bool>(state => IsForgotten(state, state.Members[member.Localpart], now)
                ? (true, [new AccountLockAsked(member.Localpart, Locked: true) { At = now }])
                : (false, []));
        }
    }

    private static bool IsForgotten(State state, Member member, DateTimeOffset now) =>
        IsForNobody(state, member, besides: null) && (member.Lock?.AskedAt ?? member.Since) + EnrolmentTakes < now;

    private static bool IsForNobody(State state, Member member, Device? besides) =>
        member is { State: MemberState.Active, Adopted: false, Lock: not { Locked: true } }
        && !state.DevicesOf(member.Localpart).Any(device => device.Id != besides?.Id && (device.IsLive || !device.Sessions.IsEmpty));

    private async Task CarryOutAsync(Localpart localpart, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            // Looked up here: the wish may have changed while another one was carried out.
            var state = writer.Current;
            if (state.Members.GetValueOrDefault(localpart) is not { State: MemberState.Active, Lock: { Confirmed: false } wish })
            {
                return;
            }

            if (state.AdminAccountSince is not null)
            {
                await admin.SetLockedAsync(localpart, wish.Locked, cancellationToken);
            }
            else if (wish.Locked)
            {
                return;
            }

            // An account that nobody could lock is open.
            writer.Write(new AccountLockSet(localpart, wish.Locked) { At = time.GetUtcNow() });
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lock of {Member}'s account could not be set, and will be tried again: {Why}")]
    private partial void Later(Localpart member, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "The lock of an account could not be stored, and will be tried again: {Why}")]
    private partial void StoreFailed(string why);
}
