namespace Gateway.Admin.Pages;

/// <content>Of getting in.</content>
internal static partial class ConsoleTexts
{
    public const string ByLink = nameof(ByLink);
    public const string ByPasskey = nameof(ByPasskey);
    public const string ByApp = nameof(ByApp);
    public const string ProveTitle = nameof(ProveTitle);
    public const string ProveWhy = nameof(ProveWhy);
    public const string UsePasskey = nameof(UsePasskey);
    public const string AppCode = nameof(AppCode);
    public const string UseCode = nameof(UseCode);
    public const string NoneAtHand = nameof(NoneAtHand);
    public const string FirstTime = nameof(FirstTime);
    public const string LinkHow = nameof(LinkHow);
    public const string PasskeyDeclined = nameof(PasskeyDeclined);
    public const string PasskeyRefused = nameof(PasskeyRefused);
    public const string PasskeyMissing = nameof(PasskeyMissing);
    public const string LinkTitle = nameof(LinkTitle);
    public const string LinkOnce = nameof(LinkOnce);
    public const string LinkGo = nameof(LinkGo);
    public const string LinkOver = nameof(LinkOver);
    public const string WrongCode = nameof(WrongCode);
    public const string TooManyCodes = nameof(TooManyCodes);
    public const string AccessTitle = nameof(AccessTitle);
    public const string NoPasskeyYet = nameof(NoPasskeyYet);
    public const string Passkeys = nameof(Passkeys);
    public const string PasskeysWhat = nameof(PasskeysWhat);
    public const string AddedOn = nameof(AddedOn);
    public const string LastUsed = nameof(LastUsed);
    public const string Remove = nameof(Remove);
    public const string RemoveNamed = nameof(RemoveNamed);
    public const string AddPasskey = nameof(AddPasskey);
    public const string AppTitle = nameof(AppTitle);
    public const string AppWhat = nameof(AppWhat);
    public const string AppIsSet = nameof(AppIsSet);
    public const string SetApp = nameof(SetApp);
    public const string Browsers = nameof(Browsers);
    public const string SignedInSince = nameof(SignedInSince);
    public const string ThisOne = nameof(ThisOne);
    public const string EndOthers = nameof(EndOthers);
    public const string NewPasskeyTitle = nameof(NewPasskeyTitle);
    public const string NewPasskeyWhy = nameof(NewPasskeyWhy);
    public const string PasskeyName = nameof(PasskeyName);
    public const string ThisLaptop = nameof(ThisLaptop);
    public const string MakePasskey = nameof(MakePasskey);
    public const string PasskeyLater = nameof(PasskeyLater);
    public const string NewCodeTitle = nameof(NewCodeTitle);
    public const string NewAppHow = nameof(NewAppHow);
    public const string ShowSecret = nameof(ShowSecret);
    public const string SecretQr = nameof(SecretQr);
    public const string OrType = nameof(OrType);
    public const string Cancel = nameof(Cancel);
}
