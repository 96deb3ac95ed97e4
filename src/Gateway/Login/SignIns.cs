using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Store;

namespace Gateway.Login;

/// <summary>What the browser keeps of a new sign-in: the cookie's value.</summary>
internal sealed record OpenedSignIn(SignIn SignIn, string BrowserSecret)
{
    public override string ToString() => nameof(OpenedSignIn);
}

/// <summary>
/// The sign-ins by browser that are under way: in memory, few, and short. A restart forgets them, and the member starts
/// again. The grant itself is spent by <see cref="Logins"/> when the app comes back, so that nothing here decides alone.
/// </summary>
internal sealed class SignIns
{
    /// <summary>A page that nobody taps on, and one that waits for the admin beside the member.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>From the proof until the app must have come: it opens by itself, or after one tap.</summary>
    private static readonly TimeSpan ProofLifetime = TimeSpan.FromMinutes(2);

    /// <summary>Pages of one device; the oldest that nobody waits on goes.</summary>
    private const int MostOpen = 4;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, SignIn> _all = new(StringComparer.Ordinal);
    private readonly SignInNumbers _numbers;
    private readonly Entropy _entropy;
    private readonly TimeProvider _time;
    private Action<DeviceId>? _watchers;

    public SignIns(StateWriter writer, Entropy entropy, TimeProvider time)
    {
        _entropy = entropy;
        _numbers = new SignInNumbers(entropy, time, Patience);
        _time = time;
        writer.Watch(change =>
        {
            foreach (var shut in change.Intents.OfType<DeviceIntent>().Where(intent => intent is DeviceRevoked or KeyCopied))
            {
                Forget(shut.Device);
            }
        });
    }

    /// <summary>Tells <paramref name="watcher"/> whose sign-ins changed, while the next change waits: it must be quick.</summary>
    public void Watch(Action<DeviceId> watcher)
    {
        lock (_lock)
        {
            _watchers += watcher;
        }
    }

    /// <summary>The sign-ins that the admin is asked about, oldest first.</summary>
    public IReadOnlyList<SignIn> Waiting()
    {
        lock (_lock)
        {
            Tidy();
            return [.. _all.Values.Where(one => one.State == SignInState.Waiting).OrderBy(one => one.Since)];
        }
    }

    public OpenedSignIn Open(DeviceId device, ClientApp app, SignInRequest request)
    {
        lock (_lock)
        {
            Tidy();
            var own = _all.Values.Where(one => one.Device == device).OrderBy(one => one.State).ThenBy(one => one.Since).ToList();
            foreach (var old in own.Take(own.Count - MostOpen + 1))
            {
                _all.Remove(old.Id);
            }

            var secret = Word(32);
            var signIn = new SignIn
            {
                Id = Word(16),
                Device = device,
                App = app,
                Request = request,
                BrowserHash = Hash(secret),
                FormToken = Word(16),
                State = SignInState.Opened,
                Since = _time.GetUtcNow(),
            };
            _all.Add(signIn.Id, signIn);
            return new OpenedSignIn(signIn, secret);
        }
    }

    /// <summary>The sign-in of this page, if it was opened from this device and in this browser.</summary>
    public SignIn? Find(DeviceId device, string id, string? browserSecret)
    {
        lock (_lock)
        {
            Tidy();
            return browserSecret is not null && _all.TryGetValue(id, out var one) && one.Device == device
                && CryptographicOperations.FixedTimeEquals(one.BrowserHash, Hash(browserSecret))
                    ? one
                    : null;
        }
    }

    /// <summary>
    /// The member tapped: from here the admin is asked. One waits per device; an older one ends, and no number comes back
    /// while somebody may still have the old one before their eyes. False where there were too many.
    /// </summary>
    public bool Ask(SignIn signIn)
    {
        lock (_lock)
        {
            Tidy();
            if (!_all.TryGetValue(signIn.Id, out var current) || current.State != SignInState.Opened)
            {
                // Tapped twice: the first tap has asked.
                return true;
            }

            if (_numbers.Next(signIn.Device, _all.Values.Select(one => one.Number).ToHashSet()) is not { } number)
            {
                return false;
            }

            foreach (var other in _all.Values.Where(one => one.Device == signIn.Device && one.State == SignInState.Waiting).ToList())
            {
                Put(Ended(other, SignInEnd.Replaced));
            }

            Put(current with { State = SignInState.Waiting, Since = _time.GetUtcNow(), Number = number });
            return true;
        }
    }

    /// <summary>Null where it is no longer waiting, nor about to.</summary>
    public SignIn? Prove(SignIn signIn, LoginProof proof) => Change(signIn, state => state is SignInState.Opened or SignInState.Waiting, current =>
        current with { State = SignInState.Proved, Since = _time.GetUtcNow(), Proof = proof });

    public void Finish(SignIn signIn, SignInEnd end)
    {
        lock (_lock)
        {
            if (_all.TryGetValue(signIn.Id, out var current) && current.State != SignInState.Ended)
            {
                Put(Ended(current, end));
            }
        }
    }

    /// <summary>A fresh one-time token to lead the app back with; an older one is void. Null where the sign-in is not proved, or no longer.</summary>
    public string? Token(SignIn signIn)
    {
        var token = Word(32);
        return Change(signIn, state => state == SignInState.Proved, current => current with { TokenHash = Hash(token) }) is null ? null : token;
    }

    /// <summary>The sign-in that this token was made for, on this device; it is used up, whatever comes of it.</summary>
    public SignIn? Redeem(DeviceId device, string? token)
    {
        if (token is null or { Length: > 64 })
        {
            return null;
        }

        lock (_lock)
        {
            Tidy();
            var hash = Hash(token);
            var found = _all.Values.FirstOrDefault(one =>
                one.Device == device && one.State == SignInState.Proved && CryptographicOperations.FixedTimeEquals(one.TokenHash, hash));
            if (found is not null)
            {
                Put(Ended(found, SignInEnd.Used));
            }

            return found;
        }
    }

    private SignIn? Change(SignIn signIn, Func<SignInState, bool> from, Func<SignIn, SignIn> change)
    {
        lock (_lock)
        {
            Tidy();
            return _all.TryGetValue(signIn.Id, out var current) && from(current.State) ? Put(change(current)) : null;
        }
    }

    private SignIn Put(SignIn signIn)
    {
        _all[signIn.Id] = signIn;
        _watchers?.Invoke(signIn.Device);
        return signIn;
    }

    private SignIn Ended(SignIn signIn, SignInEnd end) =>
        signIn with { State = SignInState.Ended, Since = _time.GetUtcNow(), End = end, Proof = null, TokenHash = [] };

    private void Forget(DeviceId device)
    {
        lock (_lock)
        {
            foreach (var one in _all.Values.Where(one => one.Device == device).ToList())
            {
                _all.Remove(one.Id);
            }
        }
    }

    /// <summary>Ends what took too long, and forgets what ended long ago.</summary>
    private void Tidy()
    {
        var now = _time.GetUtcNow();
        foreach (var one in _all.Values.ToList())
        {
            var patience = one.State == SignInState.Proved ? ProofLifetime : Patience;
            if (one.Since + patience > now)
            {
                continue;
            }

            if (one.State == SignInState.Ended)
            {
                _all.Remove(one.Id);
            }
            else
            {
                Put(Ended(one, SignInEnd.Late));
            }
        }
    }

    private string Word(int bytes) => Base64Url.EncodeToString(_entropy.Bytes(bytes));

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.ASCII.GetBytes(secret));
}
