using System.Collections.Immutable;
using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Tests.Audit;

/// <summary>Every intent has words, and none of them brings an address, a key, a token or the hash of one into the audit.</summary>
public sealed class WordsTests
{
    private static readonly Entropy Entropy = new();

    private static readonly Device Phone = Bench.SomeDevice();

    private static readonly ImmutableArray<byte> TokenHash = [.. Entropy.Bytes(32)];

    private static readonly string[] Forbidden =
    [
        "203.0.113.7", "51820", "2001:db8::7", "fe80::1", "::1", "syt_YWxpY2U_abcdef", "mct_secretOfMas", "syr_refresh",
        Phone.TunnelAddress.ToString(), Phone.PublicKey.ToString(), Phone.PresharedKey.Reveal(),
        Convert.ToBase64String([.. TokenHash]), Convert.ToHexString([.. TokenHash]), Convert.ToHexStringLower([.. TokenHash]),
    ];

    /// <summary>What an app may call itself, or a tool may answer.</summary>
    private static readonly string Hostile = "Element (" + string.Join(", ", Forbidden.Except(["51820"])) + ", 203.0.113.7:51820, [fe80::1%wg0]:51820, Bearer syt_YWxpY2U_abcdef)";

    public static TheoryData<Type> Intents => [.. typeof(Intent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Intent)) && !type.IsAbstract)];

    [Theory]
    [MemberData(nameof(Intents))]
    public void Every_intent_has_words_that_hold_no_address_and_no_secret(Type type)
    {
        var intent = (Intent)Make(type);
        var state = Transition.Apply(State.Empty, new DeviceEnrolled(Phone, "admin") { At = Bench.Start });

        var entry = AuditWords.Entry(7, intent, state, state);

        Assert.Equal((7, Bench.Start), (entry.Number, entry.At));
        Assert.NotEmpty(entry.Action);
        var text = string.Join('\n', entry.Action, entry.Member, entry.Device, entry.DeviceId, entry.Detail);
        Assert.All(Forbidden, secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
        if (intent is DeviceIntent or DeviceEnrolled)
        {
            Assert.Equal(("alice", "alice/phone", Phone.Id.ToString()), (entry.Member, entry.Device, entry.DeviceId));
        }

        Assert.InRange(entry.Action.Length + (entry.Detail?.Length ?? 0), 1, 410);
    }

    [Fact]
    public void The_test_would_see_what_it_looks_for()
    {
        Assert.Equal(typeof(Intent).GetCustomAttributes<System.Text.Json.Serialization.JsonDerivedTypeAttribute>().Count(), Intents.Count);
        Assert.All(Forbidden.Except([Phone.TunnelAddress.ToString(), "51820"]), secret => Assert.Contains(secret, Hostile, StringComparison.Ordinal));
        var spent = (GrantSpent)Make(typeof(GrantSpent));
        Assert.Equal(Hostile, spent.Client);
    }

    [Theory]
    [InlineData("the homeserver does not answer: Connection refused (127.0.0.1:8008)", "the homeserver does not answer: Connection refused ((address))")]
    [InlineData("Element X 25.11.3 on Pixel 8: beta", "Element X 25.11.3 on Pixel 8: beta")]
    [InlineData("not removed yet: wg0 is gone", "not removed yet: wg0 is gone")]
    public void What_is_harmless_stays_readable(string client, string expected)
    {
        var entry = AuditWords.Entry(1, new GrantSpent("g", "ABCDEFGHIJ", client) { At = Bench.Start, Device = Phone.Id }, State.Empty, State.Empty);

        Assert.Equal(expected, entry.Detail);
    }

    [Fact]
    public void A_device_has_the_name_of_the_moment_also_when_that_moment_removed_it()
    {
        using var bench = new Bench();
        var device = Bench.SomeDevice("bob", "tablet");
        bench.Do(new DeviceEnrolled(device, "admin") { At = Bench.Start });
        bench.Do(new EnrolmentEnded("no handshake in time") { At = Bench.Start, Device = device.Id });

        Assert.Equal(("bob", "bob/tablet"), (bench.Log.Read()[1].Member, bench.Log.Read()[1].Device));
    }

    private static object Make(Type type)
    {
        var made = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var property in Properties(type))
        {
            property.SetValue(made, Value(property.PropertyType));
        }

        return made;
    }

    private static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties().Select(property => property.DeclaringType!.GetProperty(property.Name)!).Where(property => property.CanWrite);

    private static object? Value(Type type) =>
        type == typeof(string) ? Hostile
        : type == typeof(DateTimeOffset) ? Bench.Start
        : type == typeof(DeviceId) ? Phone.Id
        : type == typeof(Device) ? Phone
        : type == typeof(Localpart) ? Phone.Member
        : type == typeof(ImmutableArray<byte>) ? TokenHash
        : type == typeof(IPAddress) ? Phone.TunnelAddress
        : type == typeof(ImmutableArray<RevocationStep>) ? ImmutableArray<RevocationStep>.Empty
        : type == typeof(bool) ? true
        : type.IsValueType ? Activator.CreateInstance(type)
        : type.Namespace!.StartsWith("Gateway", StringComparison.Ordinal) ? Make(type)
        : throw new NotSupportedException($"no sample of {type}");
}
