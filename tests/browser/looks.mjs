// What can be measured of how the page looks: both views, wide and narrow, light and dark.
import { equal, holds, open, panels, quiet, until } from './browser.mjs';

export async function looks(browser, base, folder) {
  const page = await open(browser, `${base}/`, { reducedMotion: 'reduce' });
  for (const view of ['natural', 'compare']) {
    await page.locator(`#tab-${view}`).click();
    await until(`${view} has messages`, async () => {
      const all = Object.values(await panels(page));
      return all.every(({ state, received }) => state === 'open' && received !== '0') || all;
    }, 12_000);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: width > 800 ? 800 : 844 });
      const before = heights(await panels(page));
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(150);
        const what = `${view}-${width}-${colorScheme}`;
        await page.screenshot({ path: `${folder}/${what}.png`, fullPage: true });
        equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `${what}: no scrolling aside`);
        equal(await page.evaluate(clipped), [], `${what}: no figure is cut off`);
        const faint = await page.evaluate(contrasts);
        equal(faint, [], `${what}: contrast of at least 4.5`);
      }
      equal(heights(await panels(page)), before, `${view}-${width}: no panel changes its size`);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }
  await keys(page);
  quiet(page, 'looks');
  await page.context().close();
}

function heights(all) {
  return Object.values(all).map(({ height }) => height);
}

/** Every control is reached by Tab, in order, and is seen to be. */
async function keys(page) {
  await page.locator('#tab-compare').focus();
  const reached = [];
  for (let index = 0; index < 6; index += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => {
      const { id, className, tagName } = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return [id || className || tagName, outlineStyle !== 'none' && outlineWidth !== '0px'];
    }));
  }
  equal(reached.slice(0, 5).map(([name]) => name), ['interval', 'cut', 'cut', 'cut', 'cut'], 'the order of Tab');
  holds(reached.every(([, isSeen]) => isSeen), 'focus is seen');
}

/** Figures and names of figures that are wider than their place. In the page. */
function clipped() {
  return [...document.querySelectorAll('[data-transport] dt, [data-transport] dd, h2, .badge, button')]
    .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0)
    .map((element) => element.textContent);
}

/** Texts whose contrast with what is behind them is below 4.5, or below 3 where they are large (WCAG 2 §1.4.3). In the page. */
export function contrasts() {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const read = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color) => {
    const [red, green, blue] = color.map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = read(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!hasText || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    const [one, other] = [luminance(read(style.color)), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) faint.push([element.textContent.slice(0, 30), ratio.toFixed(2)]);
  }
  return faint;
}
